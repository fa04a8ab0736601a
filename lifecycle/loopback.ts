/** Whether an address is the machine's own: what goes there needs no encryption on its way. */
import { isWithin, parseIp, parseIpRange } from "./ip_ranges.ts";

const LOOPBACK = ["127.0.0.0/8", "::1"].map((text) => parseIpRange(text)!);

/** `host` is a name or an address as `HOST` or a URL has it, also an IPv6 one in brackets. */
export function isLoopback(host: string): boolean {
  // RFC 6761 section 6.3: also every name below it.
  if (/^([\w-]+\.)*localhost$/i.test(host)) return true;
  const ip = parseIp(host.replace(/^\[(.*)\]$/, "$1"));
  return ip !== null && LOOPBACK.some((range) => isWithin(ip, range));
}

/** Whether what is sent there cannot be read on its way: https, or http that leaves no machine. */
export function isSafeTransport({ protocol, hostname }: URL): boolean {
  return protocol === "https:" || (protocol === "http:" && isLoopback(hostname));
}
