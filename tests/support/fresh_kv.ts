/**
 * Where the tests' stores come from: memory, unless a module of `tests/backends/` named another
 * source before it imported the tests. (The runner gives each test module a program of its own.)
 */
let openFresh = () => Deno.openKv(":memory:");

/** An empty KV, to be closed by whoever asked. */
export function freshKv(): Promise<Deno.Kv> {
  return openFresh();
}

/** From here on `freshKv` answers what `open` does. */
export function takeKvsFrom(open: () => Promise<Deno.Kv>): void {
  openFresh = open;
}
