/** IP addresses and CIDR ranges of both families; an IPv4 address counts as its mapped IPv6 one. */

/** Eight groups of 16 bits. */
export type Ip = readonly number[];

export interface IpRange {
  ip: Ip;
  /** How many leading bits of the 128 are the range's. */
  prefixLength: number;
}

const GROUPS = 8;
const BITS_OF_GROUP = 16;
/** The first groups of an IPv4 address (`::ffff:0:0/96`, RFC 4291 section 2.5.5.2). */
const MAPPED = [0, 0, 0, 0, 0, 0xffff];
const MAPPED_BITS = MAPPED.length * BITS_OF_GROUP;

/** Null for what is no address. */
export function parseIp(text: string): Ip | null {
  if (!text.includes(":")) {
    const last = ipv4Groups(text);
    return last && [...MAPPED, ...last];
  }
  const [head = "", tail, ...more] = text.split("::");
  // Only at the very end may there be an IPv4 address.
  if (more.length > 0 || (tail !== undefined && head.includes("."))) return null;
  const before = ipv6Groups(head);
  const after = ipv6Groups(tail ?? "");
  if (before === null || after === null) return null;
  const missing = GROUPS - before.length - after.length;
  // "::" stands for at least one group, and without it none may be missing.
  if (tail === undefined ? missing !== 0 : missing < 1) return null;
  return [...before, ...Array(missing).fill(0), ...after];
}

/** An address or a range such as `10.0.0.0/8`; null for what is neither. */
export function parseIpRange(text: string): IpRange | null {
  const [address = "", length, ...more] = text.split("/");
  const ip = parseIp(address);
  if (ip === null || more.length > 0) return null;
  const bits = GROUPS * BITS_OF_GROUP;
  if (length === undefined) return { ip, prefixLength: bits };
  const prefixLength = Number(length) + (address.includes(":") ? 0 : MAPPED_BITS);
  return /^\d{1,3}$/.test(length) && prefixLength <= bits ? { ip, prefixLength } : null;
}

export function isWithin(ip: Ip, { ip: first, prefixLength }: IpRange): boolean {
  return ip.every((group, i) => {
    const ours = Math.min(Math.max(prefixLength - i * BITS_OF_GROUP, 0), BITS_OF_GROUP);
    return (group ^ first[i]!) >> (BITS_OF_GROUP - ours) === 0;
  });
}

/**
 * The network that one customer holds: an IPv4 address by itself, of IPv6 the /64, within which
 * anybody has as many addresses as they like.
 */
export function networkText(ip: Ip): string {
  if (MAPPED.every((group, i) => ip[i] === group)) {
    return ip.slice(MAPPED.length).flatMap((group) => [group >> 8, group & 0xff]).join(".");
  }
  return `${ip.slice(0, 4).map((group) => group.toString(16)).join(":")}::/64`;
}

function ipv4Groups(text: string): number[] | null {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return null;
  const [a, b, c, d] = text.split(".").map(Number) as [number, number, number, number];
  return Math.max(a, b, c, d) > 255 ? null : [a << 8 | b, c << 8 | d];
}

/** The groups of one side of "::"; the last two may be written as an IPv4 address. */
function ipv6Groups(text: string): number[] | null {
  if (text === "") return [];
  const groups: number[] = [];
  const parts = text.split(":");
  for (const [i, part] of parts.entries()) {
    const isLast = i === parts.length - 1;
    const read = isLast && part.includes(".")
      ? ipv4Groups(part)
      : /^[0-9a-f]{1,4}$/i.test(part)
      ? [parseInt(part, 16)]
      : null;
    if (read === null) return null;
    groups.push(...read);
  }
  return groups;
}
