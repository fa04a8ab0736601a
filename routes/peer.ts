/** Where a request comes from, by the socket and by those proxies that are trusted to say. */
import type { Context } from "hono";
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

function isTrusted(ip: Ip, proxies: readonly IpRange[]): boolean {
  return proxies.some((range) => isWithin(ip, range));
}

/** Some proxies add the port, which must not make a client another one. */
function parseHop(text: string): Ip | null {
  const address = text.trim();
  const [, bracketed, withPort] = /^(?:\[([^\]]*)\](?::\d+)?|([\d.]+):\d+)$/.exec(address) ?? [];
  return parseIp(bracketed ?? withPort ?? address);
}
