/** A program's side of a sign-in, without its routes: an adapter, a store, a clock, a provider. */
import assert from "node:assert/strict";
import { DomainError, type ErrorCode } from "../../kv/errors.ts";
import { createLogger } from "../../lifecycle/log.ts";
import type { FinishedSignIn, SignIn } from "../../routes/sign_in/sign_in.ts";
import { type OidcOptions, oidcSignIn } from "../../routes/sign_in/sign_in_oidc.ts";
import { type TestStore, testStore } from "../kv/test_store.ts";
import { CookieJar } from "./cookie_jar.ts";
import { NOW } from "./fixture.ts";
import { type OpenIdOptions, type OpenIdProvider, openIdProvider } from "./openid_provider.ts";

export const ORIGIN = "http://127.0.0.1:8000";

export interface SignInSite extends AsyncDisposable {
  provider: OpenIdProvider;
  store: TestStore;
  clock: { now: number };
  signIn: SignIn;
  /** Of each request to the provider; a test may shorten it while one is under way. */
  deadline: { ms: number };
  /** What was told to the log. */
  logged: string[];
  /** Another adapter over the same store and provider. */
  other: (options: Partial<OidcOptions>) => SignIn;
}

export type GivenToAdapter = Required<
  Pick<OidcOptions, "store" | "clock" | "origin" | "log" | "deadlineMs">
>;

export interface SiteOptions extends Partial<OidcOptions> {
  openId?: OpenIdOptions;
  /** Makes another adapter than the OpenID one. */
  make?: (given: GivenToAdapter, provider: OpenIdProvider) => SignIn;
}

export async function signInSite(
  { openId = {}, make, ...options }: SiteOptions = {},
): Promise<SignInSite> {
  const provider = await openIdProvider(openId);
  const store = await testStore();
  const clock = { now: NOW };
  const deadline = { ms: 60_000 };
  const logged: string[] = [];
  const log = createLogger({
    level: "debug",
    readable: false,
    timeZone: "UTC",
    clock: () => NOW,
    write: (line) => logged.push(line),
  });
  const { issuer, clientId, clientSecret } = provider;
  const given: GivenToAdapter = {
    store,
    clock: () => clock.now,
    origin: ORIGIN,
    log,
    get deadlineMs() {
      return deadline.ms;
    },
  };
  const other = (more: Partial<OidcOptions>) =>
    oidcSignIn({
      ...given,
      issuer,
      clientId,
      clientSecret,
      ...options,
      ...more,
      get deadlineMs() {
        return deadline.ms;
      },
    });
  return {
    provider,
    store,
    clock,
    deadline,
    logged,
    signIn: make?.(given, provider) ?? other({}),
    other,
    async [Symbol.asyncDispose]() {
      store.close();
      await provider[Symbol.asyncDispose]();
    },
  };
}

export interface Begun {
  /** At the provider. */
  location: URL;
  /** The browser's, as far as the program is concerned. */
  jar: CookieJar;
}

export async function begin(signIn: SignIn, returnTo = "/"): Promise<Begun> {
  const response = await signIn.start(returnTo);
  assert.equal(response.status, 302);
  const jar = new CookieJar();
  jar.keep(response);
  return { location: new URL(response.headers.get("location")!), jar };
}

/** Comes back at `address`; the browser then has the cookies it is given. */
export async function end(
  signIn: SignIn,
  address: string,
  jar: CookieJar,
): Promise<FinishedSignIn> {
  const finished = await signIn.finish(new Request(address, { headers: jar.headers() }));
  for (const line of finished.setCookies) jar.set(line);
  return finished;
}

/** What a sign-in was refused with; asserts that nothing secret is told, to anybody. */
export async function refusal(
  { logged, provider }: Pick<SignInSite, "logged" | "provider">,
  act: Promise<unknown>,
  { code, reason, secrets = [] }: { code: ErrorCode; reason?: string; secrets?: string[] },
): Promise<DomainError> {
  const error = await act.then(() => assert.fail("it was let in"), (error) => error);
  assert.ok(error instanceof DomainError, Deno.inspect(error));
  assert.deepEqual([error.code, error.extensions.reason], [code, reason], Deno.inspect(error));
  const told = JSON.stringify([error.detail, error.extensions, logged]);
  for (const secret of [...secrets, provider.clientSecret ?? "-none-"]) {
    assert.ok(!told.includes(secret), `${secret} in ${told}`);
  }
  return error;
}
