/** The tests of kv/ and of the jobs: what they say is true on every store. */
const KV_TESTS = new URL("../kv/", import.meta.url);
const LIFECYCLE_TESTS = new URL("../lifecycle/", import.meta.url);
const JOBS = new URL("../../lifecycle/jobs/", import.meta.url);

/** Registers the tests of kv/ with the runner, to be run on what `freshKv` answers. */
export function registerKvTests(): Promise<void> {
  return register(KV_TESTS, () => true);
}

/** The same for those of the jobs: `sweep_failure_test.ts` belongs to `lifecycle/jobs/sweep.ts`. */
export function registerJobTests(): Promise<void> {
  const jobs = filesOf(JOBS).map((name) => name.replace(/(_events)?\.ts$/, "_"));
  return register(LIFECYCLE_TESTS, (name) => jobs.some((job) => name.startsWith(job)));
}

async function register(folder: URL, isOne: (name: string) => boolean): Promise<void> {
  for (const name of filesOf(folder)) {
    if (name.endsWith("_test.ts") && isOne(name)) await import(new URL(name, folder).href);
  }
}

function filesOf(folder: URL): string[] {
  return [...Deno.readDirSync(folder)].map(({ name }) => name).sort();
}
