/** What every route is given; `main.ts` wires it, tests make their own. */
import type { MiddlewareHandler } from "hono";
import type { OutcomeSlot } from "../kv/outcomes.ts";
import type { Store } from "../kv/store.ts";
import type { IpRange } from "../lifecycle/ip_ranges.ts";
import type { JobRunner } from "../lifecycle/jobs/runner.ts";
import type { Logger } from "../lifecycle/log.ts";
import type { Principal } from "../lifecycle/policy.ts";
import type { Realtime } from "../lifecycle/realtime/realtime.ts";
import type { SignUp } from "../lifecycle/sign_up.ts";
import type { SignInProvider } from "./sign_in/sign_in.ts";
import type { TokenBuckets } from "./token_buckets.ts";

export interface StreamLimits {
  /** In this process. */
  all: number;
  /** Of one user or, without a token, of one address. */
  perCaller: number;
}

/** How people sign in. */
export interface SignInOptions {
  providers: readonly SignInProvider[];
  /** Whether anybody may sign in under any name: on the developer's own machine only. */
  isDevelopment: boolean;
  /** Whether a text is `ADMIN_TOKEN`; null: there is none. */
  isAdminToken: ((text: string) => boolean) | null;
  /** Who of the newcomers may create events at once. */
  signUp: SignUp;
  /** `issuer|subject` of those who administer. */
  adminUsers: ReadonlySet<string>;
}

export interface AppDeps {
  store: Store;
  runner: JobRunner;
  realtime: Realtime;
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
  /** How many requests one client may send; without them any number. */
  buckets?: TokenBuckets | undefined;
  /** How many wrong credentials one address may send; without them any number. */
  attempts?: TokenBuckets | undefined;
  /** Whether `ADMIN_TOKEN` is set, so that somebody can administer without any user. */
  hasRoot?: boolean;
  /** Without it nobody signs in. */
  signIn?: SignInOptions;
  /** Where people reach the site, if not where requests say: `https://events.example`. */
  publicOrigin?: string | null;
  /** Whose `X-Forwarded-For` and `X-Forwarded-Proto` count; nobody's unless given. */
  trustedProxies?: readonly IpRange[];
  /** Streams open at once; see `stream_callers.ts`. */
  streamLimits?: Partial<StreamLimits>;
  /** Milliseconds until a request is given up; 25 s unless given. */
  requestDeadlineMs?: number;
}

/** What a request with an Idempotency-Key is to leave behind. */
export interface Keyed {
  slot: OutcomeSlot;
  requestHash: string;
  now: number;
  /** Whether a commit was given the outcome. */
  isTold: boolean;
}

/** Hono's environment: what the middleware sets. */
export interface AppEnv {
  /** What the server says of a request's connection (`Deno.ServeHandlerInfo`). */
  Bindings: { remoteAddr?: Deno.Addr };
  Variables: {
    principal: Principal;
    /** Asks again who sent it, once a body is read that took its time. Throws `unauthenticated`. */
    askAgain?: () => Promise<void>;
    requestId: string;
    /** What the middleware adds to the answer's headers. */
    answerHeaders: Record<string, string>;
    /** The answer, if it was made with all its headers. */
    completeAnswer?: Response;
    log: Logger;
    /** Answers what is sent again with its Idempotency-Key as the first time. */
    once: MiddlewareHandler<AppEnv>;
    keyed?: Keyed;
  };
}
