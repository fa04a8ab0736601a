/**
 * `/auth/…`: signing in and out. What is asked of a provider is its adapter's (`sign_in/`); here a
 * profile becomes a session, and a session a cookie.
 */
import { type Context, Hono } from "hono";
import { DomainError } from "../kv/errors.ts";
import { writeAuditLine } from "../kv/audit.ts";
import { fingerprintOf } from "../lifecycle/admin_token.ts";
import { programLine } from "../lifecycle/audit.ts";
import { type EndedSession, type SignedIn, signIn, signInRoot } from "../lifecycle/sign_in.ts";
import { personName } from "../lifecycle/person_name.ts";
import type { Profile } from "../lifecycle/sign_up.ts";
import { isLoopback } from "../lifecycle/loopback.ts";
import { endMySessions } from "../lifecycle/sessions.ts";
import type { AppDeps, AppEnv, SignInOptions } from "./app_deps.ts";
import { readForm } from "./form_body.ts";
import { sendPage } from "./pages/layout.tsx";
import { pageErrors } from "./pages/page_errors.tsx";
import { SignInPage } from "./pages/sign_in_page.tsx";
import { chargeAttempt } from "./rate_limit.ts";
import { clearSession, sessionCookie } from "./session_cookie.ts";
import { returnPath } from "./sign_in/return_path.ts";
import type { SignInProvider } from "./sign_in/sign_in.ts";
import { requireConfidential, requireSameOrigin, siteOrigin } from "./site_origin.ts";
import { TokenBuckets } from "./token_buckets.ts";

/** A form that is filled in by hand. */
const ATTEMPTS_PER_MINUTE = 10;
/** Two a sign-in, and many people may have one address. Each asks a provider, and the store. */
const PROVIDER_STEPS_PER_MINUTE = 240;
/** Of all addresses together: whoever has many must not fill the audit log, which is kept for a year. */
const REFUSALS_TOLD_PER_MINUTE = 10;
const MAX_NAME = 60;
/** Not all of them say all of these. */
const PROXY_HEADERS = ["forwarded", "via", "x-real-ip"]
  .concat(["for", "host", "port", "proto", "server"].map((end) => `x-forwarded-${end}`));

const NOBODY: SignInOptions = {
  providers: [],
  isDevelopment: false,
  isAdminToken: null,
  signUp: { rule: "invited" },
  adminUsers: new Set(),
};

export function auth(deps: AppDeps): Hono<AppEnv> {
  const { store, clock, trustedProxies = [], signIn: options = NOBODY } = deps;
  const attempts = new TokenBuckets({ perMinute: ATTEMPTS_PER_MINUTE, clock });
  const steps = new TokenBuckets({ perMinute: PROVIDER_STEPS_PER_MINUTE, clock });
  const refusals = new TokenBuckets({ perMinute: REFUSALS_TOLD_PER_MINUTE, clock });
  const app = new Hono<AppEnv>();
  app.onError(pageErrors(deps));

  app.get("/auth/sign-in", async (c) => {
    const returnTo = returnPath(c.req.query("return_to"));
    const provider = c.req.query("provider");
    if (provider === undefined) return signInPage(c, { returnTo });
    requireConfidential(siteOrigin(c, deps));
    const { signIn } = requireProvider(options, provider);
    chargeAttempt(c, { attempts: steps, trustedProxies });
    const redirect = await (await signIn()).start(returnTo);
    const headers = new Headers(redirect.headers);
    headers.set("cache-control", "no-store");
    return new Response(null, { status: redirect.status, headers });
  });

  app.post("/auth/sign-in", async (c) => {
    requireSameOrigin(c, deps);
    requireConfidential(siteOrigin(c, deps));
    chargeAttempt(c, { attempts, trustedProxies });
    const form = await readForm(c);
    const returnTo = returnPath(form.get("return_to") ?? undefined);
    const method = form.get("method");
    if (method === "admin_token") return await byAdminToken(c, form.get("token") ?? "", returnTo);
    if (method === "development" && isDevelopment(c)) {
      const profile = developer(form.get("name") ?? "");
      if (profile === null) return signInPage(c, { returnTo, wrong: "name" });
      return await enter(c, { profile, provider: "development", returnTo, setCookies: [] });
    }
    throw new DomainError("not_found", "There is no such way to sign in here.");
  });

  app.get("/auth/callback/:provider", async (c) => {
    requireConfidential(siteOrigin(c, deps));
    const { id, signIn } = requireProvider(options, c.req.param("provider"));
    chargeAttempt(c, { attempts: steps, trustedProxies });
    const finished = await (await signIn()).finish(c.req.raw);
    const returnTo = returnPath(finished.returnTo);
    return await enter(c, { ...finished, provider: id, returnTo });
  });

  app.post("/auth/sign-out", async (c) => {
    requireSameOrigin(c, deps);
    const { userId, credential, ...rest } = c.get("principal");
    if (userId !== null && credential?.kind === "session") {
      await endMySessions(store, {
        principal: { userId, credential, ...rest },
        now: clock(),
        which: (digest) => digest === credential.digest,
      });
    }
    clearSession(c, siteOrigin(c, deps));
    return goOn(c, "/");
  });

  async function byAdminToken(
    c: Context<AppEnv>,
    token: string,
    returnTo: string,
  ): Promise<Response> {
    const now = clock();
    const userAgent = c.req.header("user-agent") ?? null;
    if (options.isAdminToken === null || !options.isAdminToken(token.trim())) {
      if (refusals.take("all").allowed) {
        const line = programLine("session.refused", { now, via: "admin_token" });
        await writeAuditLine(store, line);
      }
      return signInPage(c, { returnTo, wrong: "token" });
    }
    const rootFingerprint = fingerprintOf(store, token.trim());
    const root = { now, userAgent, ended: endedBy(c), rootFingerprint };
    return begin(c, await signInRoot(store, root), returnTo);
  }

  async function enter(
    c: Context<AppEnv>,
    { profile, provider, returnTo, setCookies }: {
      profile: Profile;
      provider: string;
      returnTo: string;
      setCookies: string[];
    },
  ): Promise<Response> {
    for (const cookie of setCookies) c.header("set-cookie", cookie, { append: true });
    const signedIn = await signIn(store, profile, {
      now: clock(),
      provider,
      userAgent: c.req.header("user-agent") ?? null,
      signUp: options.signUp,
      adminUsers: options.adminUsers,
      ended: endedBy(c),
    });
    return begin(c, signedIn, returnTo);
  }

  function begin(c: Context<AppEnv>, { secret, session }: SignedIn, returnTo: string): Response {
    const lastsMs = session.expiresAt - session.createdAt;
    const cookie = sessionCookie(siteOrigin(c, deps), secret, lastsMs);
    c.header("set-cookie", cookie, { append: true });
    return goOn(c, returnTo);
  }

  /**
   * The developer's own machine, asked for by its own name: a proxy before it, or a name that was
   * made to lead here, would let strangers in.
   */
  function isDevelopment(c: Context<AppEnv>): boolean {
    const isForwarded = trustedProxies.length > 0 ||
      PROXY_HEADERS.some((name) => c.req.header(name) !== undefined);
    if (!options.isDevelopment || isForwarded) return false;
    // What is configured says nothing of how the request came.
    const origins = [siteOrigin(c, deps).origin, c.req.url];
    return origins.every((origin) => isLoopback(new URL(origin).hostname));
  }

  function signInPage(
    c: Context<AppEnv>,
    { returnTo, wrong }: { returnTo: string; wrong?: "token" | "name" },
  ) {
    const page = (
      <SignInPage
        providers={options.providers}
        hasDevelopment={isDevelopment(c)}
        hasAdminToken={options.isAdminToken !== null}
        returnTo={returnTo}
        wrong={wrong}
        now={clock()}
      />
    );
    return sendPage(c, page, wrong === undefined ? 200 : wrong === "token" ? 401 : 422);
  }

  return app;
}

/** The session that the browser has until it gets another. */
function endedBy(c: Context<AppEnv>): EndedSession | undefined {
  const { userId, credential } = c.get("principal");
  if (userId === null || credential?.kind !== "session") return undefined;
  return { userId, digest: credential.digest };
}

/** After a form: the next page is asked for by GET. */
function goOn(c: Context<AppEnv>, path: string): Response {
  c.header("cache-control", "no-store");
  return c.redirect(path, 303);
}

function requireProvider({ providers }: SignInOptions, id: string): SignInProvider {
  const provider = providers.find((one) => one.id === id);
  if (provider === undefined) {
    throw new DomainError("not_found", "There is no such way to sign in here.");
  }
  return provider;
}

/** Whoever says that they are; null for no name. */
function developer(text: string): Profile | null {
  // One more than it may have is too long, and not cut.
  const name = personName(text.normalize("NFC"), MAX_NAME + 1);
  if (name === null || name.length > MAX_NAME) return null;
  const subject = name.toLowerCase();
  return { issuer: "development", subject, name, emailVerified: false };
}
