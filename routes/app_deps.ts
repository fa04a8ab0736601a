/** What every route is given; `main.ts` wires it, tests make their own. */
import type { JobRunner } from "../lifecycle/jobs/runner.ts";
import type { Logger } from "../lifecycle/log.ts";
import type { Principal } from "../lifecycle/policy.ts";
import type { Idempotency, Keyed } from "./idempotency.ts";
import type { Store } from "../kv/store.ts";

export interface AppDeps {
  store: Store;
  runner: JobRunner;
  /** Epoch milliseconds. */
  clock: () => number;
  /** How long an open-ended event is listed after its start, milliseconds. */
  openEndedMs: number;
  log: Logger;
  /** A mailto: or https: URL for reports of vulnerabilities; without one there is no security.txt. */
  securityContact?: string | null;
  /**
   * Who sent the request.
   * @throws {DomainError} `unauthenticated` for credentials that are not valid; never falls back.
   */
  authenticate: (request: Request) => Principal | Promise<Principal>;
  /** What `/healthz` says of the program itself. */
  build: { version: string; deployment: string | null };
}

/** Hono's environment: what the middleware sets. */
export interface AppEnv {
  Variables: {
    principal: Principal;
    requestId: string;
    log: Logger;
    idempotency: Idempotency;
    /** Of a request with an Idempotency-Key. */
    keyed?: Keyed;
  };
}
