/**
 * A real OpenID provider, `oidc-provider`, on a free port of loopback. People sign in there by a form
 * with one field, which tests fill in by plain requests, or in a browser. Switches make it misbehave.
 */
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { Buffer } from "node:buffer";
import { CookieJar } from "./cookie_jar.ts";

export interface Account {
  name?: string;
  email?: string;
  email_verified?: boolean;
}

export interface OpenIdOptions {
  /** By the name that is typed into the form, which is also the subject. */
  accounts?: Record<string, Account>;
  /** Null: the client is a public one. */
  clientSecret?: string | null;
  /** Whether name and e-mail are in the id_token already, and not with userinfo only. */
  claimsInIdToken?: boolean;
}

/** Set while a test runs; nothing set, nothing is amiss. */
export interface OpenIdSwitches {
  /** Handles a request in the provider's place; false: the provider does. */
  instead?: (path: string, response: ServerResponse) => boolean;
  /** The callback's `iss`; null leaves it out. */
  iss?: string | null;
  /** The nonce that goes into the id_token. */
  nonce?: string;
}

export interface OpenIdProvider extends AsyncDisposable {
  issuer: string;
  clientId: string;
  clientSecret: string | null;
  switches: OpenIdSwitches;
  /** The paths that were asked for. */
  asked: string[];
  /**
   * Goes where the program sent a browser, signs in or cancels, and answers the address of the
   * program that it is then sent to. With the same `jar` the provider knows the person again.
   */
  visit: (
    location: string,
    what?: { account?: string; cancel?: boolean; jar?: CookieJar },
  ) => Promise<string>;
}

export const ALICE = "alice";
const CLIENT_ID = "curtain";
/** Of characters that mean something in a form and in Basic credentials. */
const CLIENT_SECRET = "a secret: 100% & more+/=?";

const ACCOUNTS: Record<string, Account> = {
  [ALICE]: { name: "Alice Ångström", email: "alice@example.org", email_verified: true },
  bob: { name: "Bob", email: "bob@example.net", email_verified: false },
  anonymous: {},
};

export async function openIdProvider(options: OpenIdOptions = {}): Promise<OpenIdProvider> {
  const { accounts = ACCOUNTS, clientSecret = CLIENT_SECRET } = options;
  const switches: OpenIdSwitches = {};
  const asked: string[] = [];
  let handle: (request: IncomingMessage, response: ServerResponse) => unknown = () => {};
  const server = createServer((request, response) => {
    const url = new URL(request.url!, issuer);
    asked.push(url.pathname);
    if (switches.instead?.(url.pathname, response)) return;
    if (url.pathname === "/auth" && switches.nonce !== undefined) {
      url.searchParams.set("nonce", switches.nonce);
      request.url = url.pathname + url.search;
    }
    if (switches.iss !== undefined) otherIss(response, switches.iss);
    handle(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const issuer = `http://127.0.0.1:${(server.address() as { port: number }).port}`;
  const provider = await quietly(() => make(issuer, { ...options, accounts, clientSecret }));
  const callback = provider.callback();
  handle = (request, response) =>
    request.url!.startsWith("/interaction/")
      ? interact(provider, request, response)
      : callback(request, response);
  return {
    issuer,
    clientId: CLIENT_ID,
    clientSecret,
    switches,
    asked,
    visit: (location, what = {}) => visit(issuer, location, what),
    [Symbol.asyncDispose]: () => closed(server),
  };
}

/** Only tests with a provider wait for it. */
async function make(
  issuer: string,
  { accounts, clientSecret, claimsInIdToken = false }:
    & Required<
      Pick<OpenIdOptions, "accounts" | "clientSecret">
    >
    & OpenIdOptions,
) {
  const { default: Provider } = await import("oidc-provider");
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, [
    "sign",
  ]);
  const key = await crypto.subtle.exportKey("jwk", pair.privateKey);
  const provider = new Provider(issuer, {
    clients: [{
      client_id: CLIENT_ID,
      ...(clientSecret === null
        ? { token_endpoint_auth_method: "none" }
        : { client_secret: clientSecret, token_endpoint_auth_method: "client_secret_basic" }),
      redirect_uris: ["http://127.0.0.1/auth/callback"],
      id_token_signed_response_alg: "ES256",
    }],
    jwks: { keys: [{ ...key, kid: "test", alg: "ES256", use: "sig" }] },
    enabledJWA: { idTokenSigningAlgValues: ["ES256"] },
    cookies: { keys: ["of a test"] },
    claims: {
      openid: ["sub"],
      profile: ["name"],
      email: ["email", "email_verified"],
    },
    conformIdTokenClaims: !claimsInIdToken,
    features: { devInteractions: { enabled: false } },
    interactions: { url: (_: unknown, { uid }: { uid: string }) => `/interaction/${uid}` },
    findAccount: (_: unknown, id: string) => {
      const account = accounts[id];
      return account && { accountId: id, claims: () => ({ sub: id, ...account }) };
    },
    ttl: {
      AccessToken: 600,
      AuthorizationCode: 60,
      Grant: 600,
      IdToken: 600,
      Interaction: 600,
      Session: 600,
    },
  });
  // The program's port is not known yet: any callback of this machine is its.
  provider.Client.prototype.redirectUriAllowed = (uri: string) =>
    /^https?:\/\/(127\.0\.0\.1|localhost|events\.example)(:\d+)?\/auth\/callback\/[a-z]+$/.test(
      uri,
    );
  return provider;
}

/** It says that it knows only Node, and that this is no way to run it in production. */
async function quietly<T>(act: () => Promise<T>): Promise<T> {
  const { warn, info } = console;
  console.warn = console.info = () => {};
  try {
    return await act();
  } finally {
    Object.assign(console, { warn, info });
  }
}

// deno-lint-ignore no-explicit-any -- it comes without types
async function interact(provider: any, request: IncomingMessage, response: ServerResponse) {
  if (request.method === "GET") {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(FORM);
    return;
  }
  const body = new URLSearchParams(Buffer.concat(await Array.fromAsync(request)).toString());
  const accountId = body.get("account")!;
  const grant = new provider.Grant({ accountId, clientId: CLIENT_ID });
  grant.addOIDCScope("openid profile email");
  const result = body.has("cancel")
    ? { error: "access_denied", error_description: "<b>They</b> changed their mind" }
    : { login: { accountId }, consent: { grantId: await grant.save() } };
  await provider.interactionFinished(request, response, result);
}

const FORM = `<!doctype html><html lang="en"><title>The provider</title>
<form method="post"><label>Account <input name="account" value="${ALICE}"></label>
<button>Sign in</button> <button name="cancel" value="1">Cancel</button></form></html>`;

async function visit(
  issuer: string,
  location: string,
  { account = ALICE, cancel = false, jar = new CookieJar() }: {
    account?: string;
    cancel?: boolean;
    jar?: CookieJar;
  },
): Promise<string> {
  for (let url = location;;) {
    if (!url.startsWith(`${issuer}/`)) return url;
    const isForm = new URL(url).pathname.startsWith("/interaction/");
    const body = new URLSearchParams({ account, ...(cancel ? { cancel: "1" } : {}) });
    const response = await fetch(url, {
      redirect: "manual",
      headers: jar.headers(),
      ...(isForm ? { method: "POST", body } : {}),
    });
    jar.keep(response);
    const text = await response.text();
    const next = response.headers.get("location");
    assert.ok(next !== null, `${url} answered ${response.status}: ${text}`);
    url = new URL(next, url).href;
  }
}

/** Rewrites the redirect back to the program. */
function otherIss(response: ServerResponse, iss: string | null): void {
  const setHeader = response.setHeader.bind(response);
  response.setHeader = (name, value) => {
    if (name.toLowerCase() !== "location" || !String(value).includes("iss=")) {
      return setHeader(name, value);
    }
    const url = new URL(String(value));
    if (iss === null) url.searchParams.delete("iss");
    else url.searchParams.set("iss", iss);
    return setHeader(name, url.href);
  };
}

async function closed(server: Server): Promise<void> {
  const closing = new Promise((resolve) => server.close(resolve));
  server.closeAllConnections();
  await closing;
}
