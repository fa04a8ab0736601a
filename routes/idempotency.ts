/**
 * Idempotency-Key: a POST or PATCH that is sent again with its key is answered as the first time,
 * and done once. (draft-ietf-httpapi-idempotency-key-header; 24 hours, per user.)
 *
 * The outcome is stored in the commit of the change (`kv/outcomes.ts`). What was refused is not
 * kept: it changed nothing, and the client may have mended it.
 */
import { createHash } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import type { Context, MiddlewareHandler } from "hono";
import { DomainError } from "../kv/errors.ts";
import {
  findOutcome,
  keepOutcome,
  type Outcome,
  OUTCOME_KEPT_MS,
  type Remember,
} from "../kv/outcomes.ts";
import type { Store } from "../kv/store.ts";
import type { AppEnv, Keyed } from "./app_deps.ts";
import { apiResponse } from "./headers.ts";

const MAX_KEY_LENGTH = 255;
const KEY = /^[\x21-\x7e]+$/;

/** Of an answer that no commit has kept, as of an edit that changes nothing. */
const KEPT_HEADERS = ["location", "etag", "cache-control", "vary"];

export class Idempotency {
  /** Requests that this process is at, by user and key. */
  readonly #inFlight = new Set<string>();

  constructor(readonly store: Store, readonly clock: () => number) {}

  /** Stands behind whatever reads the body, before anything is done. */
  readonly once: MiddlewareHandler<AppEnv> = async (c, next) => {
    const { userId } = c.get("principal");
    const key = c.req.header("idempotency-key");
    const isTaken = c.req.method === "POST" || c.req.method === "PATCH";
    if (key === undefined || userId === null || !isTaken) return await next();
    if (key.length > MAX_KEY_LENGTH || !KEY.test(key)) {
      throw new DomainError(
        "invalid_header",
        `Idempotency-Key must be 1 to ${MAX_KEY_LENGTH} visible ASCII characters without blanks.`,
      );
    }
    const digest = sha256(key);
    const name = `${userId} ${digest}`;
    if (this.#inFlight.has(name)) throw new DomainError("request_in_flight");
    this.#inFlight.add(name);
    try {
      const now = this.clock();
      const { method, url } = c.req;
      const { pathname, search } = new URL(url);
      const body = await c.req.raw.clone().text();
      const requestHash = sha256(`${method} ${pathname}${search}\n${body}`);
      const find = () => findOutcome(this.store, { userId, digest, now });
      const found = await find();
      if ("outcome" in found) return replay(c, found.outcome, requestHash);
      const keyed: Keyed = { slot: found.slot, requestHash, now, isTold: false };
      c.set("keyed", keyed);
      await next();
      if (c.error !== undefined) {
        // In another process the same request may have been faster; then ours was refused by it.
        const other = await find();
        if ("outcome" in other) c.res = replay(c, other.outcome, requestHash);
      } else if (c.res.ok && !keyed.isTold) {
        const { status } = c.res;
        const text = await c.res.clone().text();
        const kept = KEPT_HEADERS.map((name) => [name, c.res.headers.get(name)]);
        const headers = Object.fromEntries(kept.filter(([, value]) => value !== null));
        const outcome = outcomeOf(keyed, { status, text, headers });
        await keepOutcome(this.store, { slot: keyed.slot, outcomeOf: () => outcome });
      }
    } finally {
      this.#inFlight.delete(name);
    }
  };
}

/** What a handler answers once something is written. */
export interface Answered {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

/** For a commit: what to keep of the answer; undefined for a request without a key. */
export function remembered<T>(
  c: Context<AppEnv>,
  answerOf: (written: T) => Answered,
): Remember<T> | undefined {
  const keyed = c.get("keyed");
  if (keyed === undefined) return undefined;
  return {
    slot: keyed.slot,
    outcomeOf(written) {
      keyed.isTold = true;
      const { status, body, headers = {} } = answerOf(written);
      return outcomeOf(keyed, { status, headers, text: JSON.stringify(body) });
    },
  };
}

function outcomeOf(
  { requestHash, now }: Keyed,
  { status, headers, text }: { status: number; headers: Record<string, string>; text: string },
): Omit<Outcome, "format"> {
  const body = new Uint8Array(gzipSync(text));
  return { requestHash, status, headers, body, expiresAt: now + OUTCOME_KEPT_MS };
}

function replay(c: Context<AppEnv>, outcome: Outcome, requestHash: string): Response {
  if (outcome.requestHash !== requestHash) throw new DomainError("idempotency_key_reused");
  return apiResponse(c, new Uint8Array(gunzipSync(outcome.body)), {
    contentType: "application/json",
    status: outcome.status,
    headers: { ...outcome.headers, "idempotency-replayed": "true" },
  });
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
