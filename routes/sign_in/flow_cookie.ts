/**
 * A sign-in between its start and its end lies sealed in a cookie of the browser that started it,
 * one cookie for each, so that two tabs do not disturb each other. The store only remembers which
 * came to their end.
 */
import { createHash } from "node:crypto";
import { open, seal } from "../../kv/sealed_text.ts";
import { takeFlow, wasFlowTaken } from "../../kv/sign_in_flows.ts";
import type { Store } from "../../kv/store.ts";
import { providerFailed, signInFailed } from "./failures.ts";

/** The longest life that RFC 6749 section 4.1.2 recommends for a code. */
export const FLOW_MS = 10 * 60_000;

/** Whose flows these are. */
export interface FlowSite {
  store: Store;
  /** Epoch milliseconds. */
  clock: () => number;
  /** Where people reach this program: `https://events.example.org`. */
  origin: string;
  /** The provider's; a flow of one is never finished by another. */
  id: string;
}

export interface Flow {
  /** Random, at least 128 bits; goes to the provider and back. */
  state: string;
  returnTo: string;
  /** What the adapter needs at the end, such as the verifier. */
  kept: Record<string, string>;
}

/** Where the provider sends people back to. */
export function redirectUri({ origin, id }: Pick<FlowSite, "origin" | "id">): string {
  return `${origin}/auth/callback/${id}`;
}

/** The redirect to the provider, with the flow in its cookie. */
export function flowStarted(site: FlowSite, flow: Flow, location: string): Response {
  const plain = JSON.stringify({ ...flow, expiresAt: site.clock() + FLOW_MS });
  const cookie = cookieOf(site, flow.state, seal(site.store, plain, purposeOf(site)), FLOW_MS);
  const headers = { location, "set-cookie": cookie, "cache-control": "no-store" };
  return new Response(null, { status: 302, headers });
}

export interface FinishedFlow {
  flow: Flow;
  /** What the provider sent: its state is the flow's, one code is there, the rest is to be checked. */
  params: URLSearchParams;
  /** A `Set-Cookie` header. */
  clearCookie: string;
}

/**
 * The flow that a callback belongs to, which is then over, whatever becomes of it.
 * @throws {DomainError} `sign_in_failed`, or `sign_in_provider_failed` if the provider says so
 */
export async function finishFlow(site: FlowSite, request: Request): Promise<FinishedFlow> {
  const params = new URL(request.url).searchParams;
  const [state, ...more] = params.getAll("state");
  if (state === undefined || more.length > 0) throw signInFailed("not_genuine");
  const digest = createHash("sha256").update(state).digest("base64url");
  const sealed = cookieValue(request.headers.get("cookie") ?? "", cookieName(site, state));
  if (sealed === undefined) {
    // Whoever comes back by the browser's history has had the cookie cleared.
    const isOver = await wasFlowTaken(site.store, digest);
    throw signInFailed(isOver ? "replayed" : "other_browser");
  }
  const plain = open(site.store, sealed, purposeOf(site));
  if (plain === null) throw signInFailed("not_genuine");
  const { expiresAt, ...flow }: Flow & { expiresAt: number } = JSON.parse(plain);
  // The cookie's name holds only some of the state.
  if (flow.state !== state) throw signInFailed("not_genuine");
  const msLeft = expiresAt - site.clock();
  if (msLeft <= 0) throw signInFailed("expired");
  const error = params.get("error");
  if (error !== null) throw DENIALS.has(error) ? signInFailed("denied") : providerFailed("a code");
  if (params.getAll("code").length !== 1) throw signInFailed("not_genuine");
  if (!await takeFlow(site.store, digest, { msLeft })) throw signInFailed("replayed");
  return { flow, params, clearCookie: cookieOf(site, state, "", 0) };
}

/** What people decide (RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6). */
const DENIALS = new Set([
  "access_denied",
  "account_selection_required",
  "consent_required",
  "interaction_required",
  "login_required",
]);

function purposeOf({ id }: FlowSite): string {
  return `sign-in with ${id}`;
}

const isHttps = ({ origin }: FlowSite) => origin.startsWith("https:");

function cookieName(site: FlowSite, state: string): string {
  return `${isHttps(site) ? "__Host-" : ""}sign-in-${state.slice(0, 8)}`;
}

/** Lax, because the provider's redirect comes from another site. */
function cookieOf(site: FlowSite, state: string, value: string, ms: number): string {
  // The prefix asks for the path of all; without it the cookie goes where it is needed only.
  const place = isHttps(site) ? "Path=/; Secure" : "Path=/auth/callback";
  const name = cookieName(site, state);
  return `${name}=${value}; ${place}; HttpOnly; SameSite=Lax; Max-Age=${ms / 1_000}`;
}

/** The first cookie of this name; whatever else the header holds does not matter. */
function cookieValue(header: string, name: string): string | undefined {
  const found = header.split(";").map((pair) => pair.trim()).find((pair) =>
    pair.startsWith(`${name}=`)
  );
  return found?.slice(name.length + 1);
}
