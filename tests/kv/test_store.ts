/**
 * Stores that close themselves, and stores whose KV misbehaves on demand: what the network between
 * us and a KV Connect server does, made small enough to hold in a test.
 */
import { Store, type StoreOptions } from "../../kv/store.ts";
import { freshKv } from "../support/fresh_kv.ts";

type CommitAnswer = Deno.KvCommitResult | Deno.KvCommitError;

/** Set while a test runs; nothing set, nothing is amiss. */
export interface Faults {
  /** Stands in for a commit; `send` is the real one. */
  commit?: ((send: () => Promise<CommitAnswer>) => Promise<CommitAnswer>) | undefined;
  /** Runs before each range is read. */
  beforeList?: (() => Promise<unknown>) | undefined;
  /** Reads that never end. */
  silent?: boolean;
}

/** What was handed to the KV in one commit. */
export interface SentCommit {
  checks: Deno.AtomicCheck[];
  sets: Deno.KvKey[];
  deletes: Deno.KvKey[];
}

export interface TestStore extends Store, Disposable {
  /** The KV without faults, for another store over it. */
  real: Deno.Kv;
  faults: Faults;
  sent: SentCommit[];
}

/** A fresh store, or another one over `kv`. */
export async function testStore(
  { kv, ...options }: StoreOptions & { kv?: Deno.Kv } = {},
): Promise<TestStore> {
  const faults: Faults = {};
  const sent: SentCommit[] = [];
  const real = kv ?? await freshKv();
  const faulty = faultyKv(real, { faults, sent });
  const store = await Store.over(faulty, options);
  // A second store over a KV must leave it open, but has a timer of its own to stop.
  if (kv !== undefined) faulty.close = () => {};
  return Object.assign(store, { real, faults, sent, [Symbol.dispose]: () => store.close() });
}

const NEVER = new Promise<never>(() => {});

function faultyKv(
  real: Deno.Kv,
  { faults, sent }: { faults: Faults; sent: SentCommit[] },
): Deno.Kv {
  const replaced: Record<PropertyKey, unknown> = {
    atomic: () => recorded(real.atomic(), { faults, sent }),
    get: (...args: Parameters<Deno.Kv["get"]>) => faults.silent ? NEVER : real.get(...args),
    getMany: (...args: Parameters<Deno.Kv["getMany"]>) =>
      faults.silent ? NEVER : real.getMany(...args),
    list: async function* (...args: Parameters<Deno.Kv["list"]>) {
      if (faults.silent) await NEVER;
      await faults.beforeList?.();
      yield* real.list(...args);
    },
  };
  return new Proxy(real, {
    get(_, property) {
      if (property in replaced) return replaced[property];
      const value = Reflect.get(real, property, real);
      return typeof value === "function" ? value.bind(real) : value;
    },
    set: (_, property, value) => ((replaced[property] = value), true),
  });
}

function recorded(
  real: Deno.AtomicOperation,
  { faults, sent }: { faults: Faults; sent: SentCommit[] },
): Deno.AtomicOperation {
  const commit: SentCommit = { checks: [], sets: [], deletes: [] };
  const operation = {
    check: (...checks: Deno.AtomicCheck[]) => {
      commit.checks.push(...checks);
      real.check(...checks);
      return operation;
    },
    set: (key: Deno.KvKey, value: unknown) => {
      commit.sets.push(key);
      real.set(key, value);
      return operation;
    },
    delete: (key: Deno.KvKey) => {
      commit.deletes.push(key);
      real.delete(key);
      return operation;
    },
    commit: () => {
      sent.push(commit);
      return faults.commit === undefined ? real.commit() : faults.commit(() => real.commit());
    },
  };
  return operation as unknown as Deno.AtomicOperation;
}

/** Every entry of the store as it is now, to compare before and after. */
export function everything(store: Store): Promise<Deno.KvEntry<unknown>[]> {
  return Array.fromAsync(store.kv.list({ prefix: [] }, { batchSize: 500 }));
}

/** From here on each commit's answer is lost and it is sent again, as the runtime does. */
export function loseAnswers({ faults }: TestStore): void {
  faults.commit = async (send) => {
    await send();
    return await send();
  };
}

/** The next commit is refused, and whether it was made cannot be looked up. */
export function loseSight({ faults }: TestStore): void {
  faults.commit = async (send) => {
    await send();
    faults.silent = true;
    return { ok: false };
  };
}
