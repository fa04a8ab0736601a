/**
 * Sign-in with any OpenID provider: the code flow with PKCE, a state, a nonce and RFC 9207's `iss`.
 * The checks are those of `oauth4webapi`; here is what is asked of it, and what its refusals mean.
 */
import * as oauth from "oauth4webapi";
import { type Logger, SILENT } from "../../lifecycle/log.ts";
import { isSafeTransport } from "../../lifecycle/loopback.ts";
import { providerFailed, signInFailed } from "./failures.ts";
import { finishFlow, type FlowSite, flowStarted, redirectUri } from "./flow_cookie.ts";
import { profileOfClaims } from "./profile.ts";
import type { Profile } from "../../lifecycle/sign_up.ts";
import { OIDC_ID, type SignIn } from "./sign_in.ts";

const SCOPE = "openid profile email";
const DEADLINE_MS = 10_000;

export interface OidcOptions extends Omit<FlowSite, "id"> {
  /** https, or http on loopback. */
  issuer: string;
  clientId: string;
  /** Null: a public client. */
  clientSecret: string | null;
  log?: Logger;
  fetch?: typeof fetch;
  /** Of each request to the provider. */
  deadlineMs?: number;
}

/** How one request to the provider is sent. */
interface Sending {
  signal: AbortSignal;
  [oauth.allowInsecureRequests]: boolean;
  [oauth.customFetch]: (url: string, init: object) => Promise<Response>;
}

export function oidcSignIn(options: OidcOptions): SignIn {
  const site: FlowSite = { ...options, id: OIDC_ID };
  const client: oauth.Client = { client_id: options.clientId };
  const issuer = new URL(options.issuer);
  let discovery: Promise<oauth.AuthorizationServer> | undefined;

  function sending(): Sending {
    const { fetch: send = fetch, deadlineMs = DEADLINE_MS } = options;
    return {
      signal: AbortSignal.timeout(deadlineMs),
      [oauth.allowInsecureRequests]: issuer.protocol === "http:" && isSafeTransport(issuer),
      [oauth.customFetch]: async (url, init) => whole(await send(url, init)),
    };
  }

  /** What `call` ends with; anything amiss there is the provider's failure, and told to the log. */
  async function ask<T>(step: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      if (isRefusal(error)) throw signInFailed("not_genuine", error);
      const { name, message } = error as Error;
      const fields = { issuer: options.issuer, step, error: `${name}: ${message}` };
      (options.log ?? SILENT).warn("the sign-in provider failed", fields);
      throw providerFailed(step, error);
    }
  }

  /** Asked once; asked again only after a failure. */
  function server(): Promise<oauth.AuthorizationServer> {
    discovery ??= ask("its configuration", async () => {
      const response = await oauth.discoveryRequest(issuer, sending());
      const found = await oauth.processDiscoveryResponse(issuer, response);
      if (!isSafeTransport(new URL(found.authorization_endpoint!))) {
        throw new TypeError("its authorization_endpoint is neither https nor of this machine");
      }
      return found;
    }).catch((error) => {
      discovery = undefined;
      throw error;
    });
    return discovery;
  }

  async function profile(
    found: oauth.AuthorizationServer,
    { claims, accessToken }: { claims: oauth.IDToken; accessToken: string },
  ): Promise<Profile> {
    const isComplete = claims.name !== undefined && claims.email !== undefined;
    if (isComplete || found.userinfo_endpoint === undefined) {
      return profileOfClaims(claims.iss, claims);
    }
    const more = await ask("the profile", async () => {
      const response = await oauth.userInfoRequest(found, client, accessToken, sending());
      return await oauth.processUserInfoResponse(found, client, claims.sub, response);
    });
    return profileOfClaims(claims.iss, claims, more);
  }

  return {
    async start(returnTo) {
      const found = await server();
      const state = oauth.generateRandomState();
      const nonce = oauth.generateRandomNonce();
      const verifier = oauth.generateRandomCodeVerifier();
      const url = new URL(found.authorization_endpoint!);
      const params = {
        response_type: "code",
        client_id: options.clientId,
        redirect_uri: redirectUri(site),
        scope: SCOPE,
        state,
        nonce,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: "S256",
      };
      for (const [name, value] of Object.entries(params)) url.searchParams.set(name, value);
      return flowStarted(site, { state, returnTo, kept: { nonce, verifier } }, url.href);
    },

    async finish(request) {
      const { flow, params, clearCookie } = await finishFlow(site, request);
      const { nonce = "", verifier = "" } = flow.kept;
      const found = await server();
      const answer = validated(() => oauth.validateAuthResponse(found, client, params, flow.state));
      const { clientSecret } = options;
      const auth = clientSecret === null ? oauth.None() : oauth.ClientSecretBasic(clientSecret);
      const tokens = await ask("tokens", async () => {
        const response = await oauth.authorizationCodeGrantRequest(
          found,
          client,
          auth,
          answer,
          redirectUri(site),
          verifier,
          sending(),
        );
        // The signature is not looked at: the token comes from the provider itself, over TLS
        // (OpenID Connect Core section 3.1.3.7, 6). Issuer, audience, times and nonce are.
        return await oauth.processAuthorizationCodeResponse(found, client, response, {
          expectedNonce: nonce,
          requireIdToken: true,
        });
      });
      const claims = oauth.getValidatedIdTokenClaims(tokens)!;
      return {
        profile: await profile(found, { claims, accessToken: tokens.access_token }),
        returnTo: flow.returnTo,
        setCookies: [clearCookie],
      };
    },
  };
}

/** The answer with its body in memory: what is refused by its head would else be left unread. */
async function whole(response: Response): Promise<Response> {
  const body = await response.bytes();
  return new Response(body.length === 0 ? null : body, response);
}

/** What the callback brought, in the form that the token request takes. */
function validated(check: () => URLSearchParams): URLSearchParams {
  try {
    return check();
  } catch (error) {
    throw signInFailed("not_genuine", error);
  }
}

/** Whether the provider answered well, and what it said is that this sign-in is not to be believed. */
function isRefusal(error: unknown): boolean {
  if (error instanceof oauth.ResponseBodyError) return error.error === "invalid_grant";
  return error instanceof oauth.OperationProcessingError &&
    (error.code === oauth.JWT_CLAIM_COMPARISON || error.code === oauth.JWT_TIMESTAMP_CHECK);
}
