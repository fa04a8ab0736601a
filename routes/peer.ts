/**
 * Where a request comes from, by the socket and by those proxies that are trusted to say; and where
 * it says that it goes to.
 */
import type { Context } from "hono";
import { DomainError } from "../kv/errors.ts";
import { type Ip, type IpRange, isWithin, networkText, parseIp } from "../lifecycle/ip_ranges.ts";
import type { AppEnv } from "./app_deps.ts";

/** The socket's address; "" where it is of no network. */
export function peerOf(c: Context<AppEnv>): string {
  // No `env` in tests that call the app without a server.
  const address = (c.env as AppEnv["Bindings"] | undefined)?.remoteAddr;
  return address !== undefined && "hostname" in address ? address.hostname : "";
}

/**
 * The client's address, of IPv6 its /64: the right-most of the socket's and those that the proxies
 * added to `X-Forwarded-For` which is no trusted proxy's. What stands left of it anybody may have
 * written.
 */
export function clientAddress(
  { peer, forwardedFor = "" }: { peer: string; forwardedFor?: string | undefined },
  proxies: readonly IpRange[],
): string {
  // The usual case, and a hot path.
  if (proxies.length === 0 && !peer.includes(":")) return peer;
  let client = parseIp(peer);
  if (client === null) return peer;
  const hops = forwardedFor.split(",");
  while (hops.length > 0 && isTrusted(client, proxies)) {
    const hop = parseHop(hops.pop()!);
    // A trusted proxy says nothing of use, so it stands for its clients.
    if (hop === null) break;
    client = hop;
  }
  return networkText(client);
}

/** Whether the client spoke https: to us, or to a trusted proxy that says so. */
export function cameByHttps(c: Context<AppEnv>, proxies: readonly IpRange[]): boolean {
  if (c.req.url.startsWith("https:")) return true;
  if (proxies.length === 0) return false;
  const peer = parseIp(peerOf(c));
  if (peer === null || !isTrusted(peer, proxies)) return false;
  return c.req.header("x-forwarded-proto")?.split(",").at(-1)?.trim().toLowerCase() === "https";
}

const HOST = /^([\w.-]*|\[[\da-f:.]+\])(:\d{1,5})?$/i;

/**
 * Refuses a `Host` that is none. The runtime puts it before the path as it came, so that one with a
 * slash in it would say which route is asked for. What is made throws {@linkcode DomainError}
 * `invalid_header`.
 */
export function hostCheck(): (c: Context<AppEnv>) => void {
  // Nearly all requests name the same, and this is a hot path.
  let known: string | undefined;
  return (c) => {
    const host = c.req.header("host");
    if (host === known || host === undefined) return;
    if (!HOST.test(host) || !URL.canParse(`http://${host}`)) {
      throw new DomainError("invalid_header", "Host must be a host name, with a port or without.");
    }
    known = host;
  };
}

function isTrusted(ip: Ip, proxies: readonly IpRange[]): boolean {
  return proxies.some((range) => isWithin(ip, range));
}

/** Some proxies add the port, which must not make a client another one. */
function parseHop(text: string): Ip | null {
  const address = text.trim();
  const [, bracketed, withPort] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(address) ?? [];
  return parseIp(bracketed ?? withPort ?? address);
}
