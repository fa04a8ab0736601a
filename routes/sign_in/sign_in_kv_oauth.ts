/**
 * Sign-in with the providers that `@deno/kv-oauth` knows. The only module that imports from the
 * registry jsr.io, and so reached by `kv_oauth_provider.ts` alone, when it is wanted.
 *
 * kv-oauth makes the PKCE verifier and the state, keeps them in a KV of its own, and redeems the
 * code. It is handed requests made for it and not the visitors' own: where people go on, how long a
 * flow lasts and whose it is are decided by our cookie, and who they are by the provider's answer.
 */
import {
  createAuth0OAuthConfig,
  createAwsCognitoOAuthConfig,
  createAzureAdb2cOAuthConfig,
  createAzureAdOAuthConfig,
  createDiscordOAuthConfig,
  createDropboxOAuthConfig,
  createFacebookOAuthConfig,
  createGitHubOAuthConfig,
  createGitLabOAuthConfig,
  createGoogleOAuthConfig,
  createHelpers,
  createLogtoOAuthConfig,
  createNotionOAuthConfig,
  createOktaOAuthConfig,
  createPatreonOAuthConfig,
  createSlackOAuthConfig,
  createSpotifyOAuthConfig,
  createTwitterOAuthConfig,
  type OAuth2ClientConfig,
} from "@deno/kv-oauth";
import { MINUTE, SECOND } from "@std/datetime";
import { DomainError } from "../../kv/errors.ts";
import { SILENT } from "../../lifecycle/log.ts";
import type { SignInPreset } from "../../lifecycle/sign_in_presets.ts";
import { providerFailed, signInFailed } from "./failures.ts";
import { finishFlow, flowStarted, redirectUri } from "./flow_cookie.ts";
import { type AskProvider, PROFILE_SOURCES } from "./kv_oauth_profiles.ts";
import type { KvOAuthOptions, OAuthConfig } from "./kv_oauth_provider.ts";
import type { SignIn } from "./sign_in.ts";

/** Its own session is never used: it ends as soon as it can. */
const HELPER_OPTIONS = { cookieOptions: { maxAge: MINUTE / SECOND } };
const DEADLINE_MS = 10 * SECOND;
/** Of kv-oauth's KV, as long as of ours. */
const STORE_DEADLINE_MS = 5 * SECOND;

const PRESETS: Record<
  SignInPreset,
  (config: { redirectUri: string; scope: string }) => OAuth2ClientConfig
> = {
  auth0: createAuth0OAuthConfig,
  aws_cognito: createAwsCognitoOAuthConfig,
  azure_ad: createAzureAdOAuthConfig,
  azure_adb2c: createAzureAdb2cOAuthConfig,
  discord: createDiscordOAuthConfig,
  dropbox: createDropboxOAuthConfig,
  facebook: createFacebookOAuthConfig,
  github: createGitHubOAuthConfig,
  gitlab: createGitLabOAuthConfig,
  google: createGoogleOAuthConfig,
  logto: createLogtoOAuthConfig,
  notion: createNotionOAuthConfig,
  okta: createOktaOAuthConfig,
  patreon: createPatreonOAuthConfig,
  slack: createSlackOAuthConfig,
  spotify: createSpotifyOAuthConfig,
  twitter: createTwitterOAuthConfig,
};

export function kvOAuthSignIn(options: KvOAuthOptions): SignIn {
  const { store, origin, provider, log = SILENT } = options;
  const source = typeof provider === "string" ? PROFILE_SOURCES[provider] : provider.source;
  const redirect = redirectUri(options);
  const config = configOf(options, { redirect, scope: source.scope });
  const at = new URL(config.authorizationEndpointUri);
  const issuer = source.issuer(at);
  const { signIn, handleCallback } = createHelpers(config, HELPER_OPTIONS);

  const deadlineMs = () => options.deadlineMs ?? DEADLINE_MS;

  /** Tells nothing of what kv-oauth or the provider said but its kind: messages may hold addresses. */
  function failed(step: string, error: unknown): DomainError {
    if (error instanceof DomainError) return error;
    // Its row is gone before our cookie is only when its KV ended it.
    if (error instanceof Deno.errors.NotFound) return signInFailed("expired", error);
    const { name, error: code } = error as { name?: unknown; error?: unknown };
    if (code === "invalid_grant") return signInFailed("not_genuine", error);
    log.warn("the sign-in provider failed", { issuer, step, error: `${name}: ${code ?? "-"}` });
    return providerFailed(step, error);
  }

  function asker(accessToken: string): AskProvider {
    return async (url, { method = "GET", headers = {} } = {}) => {
      try {
        const response = await fetch(url, {
          method,
          headers: {
            accept: "application/json",
            authorization: `Bearer ${accessToken}`,
            "user-agent": "curtain",
            ...headers,
          },
          redirect: "error",
          signal: AbortSignal.timeout(deadlineMs()),
        });
        const text = await response.text();
        if (!response.ok) throw new TypeError(`status ${response.status}`);
        return JSON.parse(text);
      } catch (error) {
        throw failed("the profile", error);
      }
    };
  }

  return {
    async start(returnTo) {
      // In place of the visitor's: its `success_url` and Referer would be believed.
      const request = new Request(`${origin}/auth/sign-in?success_url=/`);
      const { urlParams = {} } = source;
      const started = await store.deadlines.within(
        signIn(request, { urlParams }),
        STORE_DEADLINE_MS,
        "store_unavailable",
      );
      const location = started.headers.get("location")!;
      const state = new URL(location).searchParams.get("state")!;
      const [cookie = ""] = started.headers.get("set-cookie")!.split(";");
      return flowStarted(options, { state, returnTo, kept: { cookie } }, location);
    },

    async finish(request) {
      const { flow, params, clearCookie } = await finishFlow(options, request);
      if (params.getAll("iss").some((iss) => iss !== issuer)) throw signInFailed("not_genuine");
      const callback = new Request(`${redirect}?${params}`, {
        headers: { cookie: flow.kept.cookie ?? "" },
      });
      const { tokens } = await store.deadlines.within(
        handleCallback(callback),
        deadlineMs(),
        "sign_in_provider_failed",
      ).catch((error) => {
        throw failed("tokens", error);
      });
      const profile = await source.profile(asker(tokens.accessToken), { at, issuer });
      return { profile, returnTo: flow.returnTo, setCookies: [clearCookie] };
    },
  };
}

function configOf(
  { provider }: KvOAuthOptions,
  { redirect, scope }: { redirect: string; scope: string },
): OAuth2ClientConfig {
  const base: OAuthConfig = typeof provider === "string"
    ? presetConfig(provider, { redirectUri: redirect, scope })
    : provider.config;
  return {
    ...base,
    // It goes into Basic credentials, which hold the encoded one (RFC 6749 section 2.3.1).
    ...(base.clientSecret === undefined
      ? {}
      : { clientSecret: encodeURIComponent(base.clientSecret) }),
    redirectUri: redirect,
    defaults: { scope },
  };
}

function presetConfig(
  preset: SignInPreset,
  config: { redirectUri: string; scope: string },
): OAuthConfig {
  const { clientId, clientSecret, authorizationEndpointUri, tokenUri }: OAuth2ClientConfig = PRESETS
    [preset](config);
  const own = PROFILE_SOURCES[preset].endpoints?.(new URL(authorizationEndpointUri));
  return {
    clientId,
    ...(clientSecret === undefined ? {} : { clientSecret }),
    ...(own ?? { authorizationEndpointUri, tokenUri }),
  };
}
