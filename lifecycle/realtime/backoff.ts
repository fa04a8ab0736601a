/** How long to wait before what failed is tried again. */

const FIRST_MS = 100;
const LONGEST_MS = 10_000;

/**
 * Milliseconds before the try after `failures` earlier ones: twice as long each time up to ten
 * seconds, and of that some share, so that processes that failed together do not come back together.
 */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  const ms = Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failures, 20));
  return ms / 2 + random() * ms / 2;
}
