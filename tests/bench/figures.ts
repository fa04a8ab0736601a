/** What the parts of the benchmark share: medians, how figures are printed, limits that are missed. */

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)]!;
}

export function perSecond(rate: number): string {
  return `${Math.round(rate).toLocaleString("en")} /s`;
}

/** A limit that is missed is said, and ends the run with 1. */
export function verdict(holds: boolean, limit: string): string {
  if (!holds) addEventListener("unload", () => Deno.exit(1));
  return holds ? `holds (${limit})` : `MISSED (${limit})`;
}
