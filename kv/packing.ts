/** How what is to be written is spread over commits. */

/**
 * The items in as few groups as hold them, in their order; usually one. In a group the needs add up
 * to no more than the limits, by position; an item that exceeds them by itself is alone; pure.
 */
export function packed<T>(
  items: T[],
  { limits, needsOf }: { limits: number[]; needsOf: (item: T) => number[] },
): T[][] {
  const groups: T[][] = [];
  let used = limits.map(() => Infinity);
  for (const item of items) {
    const needs = needsOf(item);
    used = used.map((amount, i) => amount + needs[i]!);
    if (used.some((amount, i) => amount > limits[i]!)) {
      groups.push([]);
      used = needs;
    }
    groups.at(-1)!.push(item);
  }
  return groups;
}
