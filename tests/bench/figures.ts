/**
 * What the parts of the benchmark share: medians, how figures are printed, limits that are missed,
 * the memory of a process.
 */

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

/** Of a process; on Linux only, elsewhere nothing is known. */
export async function residentBytes(pid: number): Promise<number> {
  const status = await Deno.readTextFile(`/proc/${pid}/status`).catch(() => "");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? NaN) * 1024;
}
