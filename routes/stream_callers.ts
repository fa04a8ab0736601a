/** Who holds streams open: how many they may, and whether they still are who they were. */
import type { Context } from "hono";
import { DomainError } from "../kv/errors.ts";
import type { Principal } from "../lifecycle/policy.ts";
import type { AppDeps, AppEnv, StreamLimits } from "./app_deps.ts";
import { clientAddress, peerOf } from "./peer.ts";

const LIMITS: StreamLimits = { all: 20_000, perCaller: 4_000 };

export class Seats {
  readonly #deps: Pick<AppDeps, "trustedProxies">;
  readonly #limits: StreamLimits;
  readonly #byCaller = new Map<string, number>();
  #taken = 0;

  constructor(deps: Pick<AppDeps, "trustedProxies" | "streamLimits">) {
    this.#deps = deps;
    this.#limits = { ...LIMITS, ...deps.streamLimits };
  }

  /** The answer gives it back. @throws {DomainError} `too_many_streams`, `overloaded`. */
  take(c: Context<AppEnv>): () => void {
    const forwardedFor = c.req.header("x-forwarded-for");
    const caller = c.get("principal").userId ??
      clientAddress({ peer: peerOf(c), forwardedFor }, this.#deps.trustedProxies ?? []);
    const held = this.#byCaller.get(caller) ?? 0;
    if (held >= this.#limits.perCaller) throw new DomainError("too_many_streams");
    if (this.#taken >= this.#limits.all) throw new DomainError("overloaded");
    this.#taken++;
    this.#byCaller.set(caller, held + 1);
    return () => {
      this.#taken--;
      const left = this.#byCaller.get(caller)! - 1;
      if (left === 0) this.#byCaller.delete(caller);
      else this.#byCaller.set(caller, left);
    };
  }
}

/** Asks again who sent the request; null: they are nobody now. */
export function sameCaller(
  c: Context<AppEnv>,
  { authenticate }: Pick<AppDeps, "authenticate">,
): () => Promise<Principal | null> {
  const { url, method, headers } = c.req.raw;
  // A copy, because the request itself may be gone by then.
  const request = new Request(url, { method, headers: new Headers(headers) });
  return async () => {
    try {
      return await authenticate(request);
    } catch (error) {
      if (error instanceof DomainError && error.code === "unauthenticated") return null;
      throw error;
    }
  };
}
