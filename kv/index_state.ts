/**
 * Which indexes are whole: hold all entries of all events, as this version of the program would
 * write them, and no others.
 *
 * The program that started last decides which indexes there are to be (`adoptIndexes`): it takes
 * the ones it would write differently, or that it does not know, out of `whole`. From then on no
 * program of any version answers from them, until the reindex job has rebuilt them.
 */
import { DomainError } from "./errors.ts";
import { requireWritable, upgraded } from "./formats.ts";
import { EVENTS, INDEX_STATE } from "./keys.ts";
import type { Store } from "./store.ts";

/** How far a rebuild has come. */
export interface IndexWalk {
  /**
   * Where other processes share the store, a second walk follows the first: those of the version
   * before, which a rolling deployment leaves running for a while, go on writing their entries.
   */
  pass: 1 | 2;
  /** Epoch milliseconds before which the pass does not begin. */
  notBefore: number;
  /** Whose rows are looked through after all records. */
  indexes: string[];
  /** What is walked now: `event`, or the name of one of `indexes`. */
  part: string;
  /** The last key that is done with; null at the beginning of the part. */
  after: Deno.KvKey | null;
}

export interface IndexState {
  format: number;
  /** Of the program that started last, and its indexes, each with the generation that changed it. */
  generation: number;
  indexes: Record<string, number>;
  whole: string[];
  /** Indexes of another version that nobody keeps up any more; their rows are to go. */
  dropped: string[];
  walk: IndexWalk | null;
}

export interface StoredIndexState {
  state: IndexState;
  versionstamp: string;
}

/** As last read or written, of stores whose state no other process can change. */
const ownStates = new WeakMap<Store, IndexState>();

function keepOwn(store: Store, state: IndexState): void {
  if (!store.isShared) ownStates.set(store, state);
}

/** Null before any program of a version that keeps it has started on this store. */
export async function readIndexState(store: Store): Promise<StoredIndexState | null> {
  return storedState(store, await store.get(INDEX_STATE));
}

function storedState(
  store: Store,
  { value, versionstamp }: Deno.KvEntryMaybe<unknown>,
): StoredIndexState | null {
  if (versionstamp === null) return null;
  return { state: upgraded(value, store.schema.formats.index_state), versionstamp };
}

/** Replaces the state if it is still as it was read; null when another program was faster. */
export async function replaceIndexState(
  store: Store,
  read: StoredIndexState | null,
  next: IndexState,
): Promise<StoredIndexState | null> {
  const { index_state: format } = store.schema.formats;
  if (read !== null) requireWritable(read.state, format, "the state of the indexes");
  const state: IndexState = { ...next, format: format.current };
  const operation = store.kv.atomic()
    .check({ key: INDEX_STATE, versionstamp: read?.versionstamp ?? null })
    .set(INDEX_STATE, state);
  const result = await store.commit(operation);
  if (result.ok) {
    keepOwn(store, state);
    return { state, versionstamp: result.versionstamp };
  }
  // Our own commit, sent again by the runtime after its answer was lost, is refused by itself.
  const now = await readIndexState(store);
  return now !== null && JSON.stringify(now.state) === JSON.stringify(state) ? now : null;
}

/**
 * Makes this program's indexes those that there are to be. True when that changed something: where
 * the store is shared, write nothing for some seconds then, so that whoever reads a list in another
 * version of the program has either finished or been refused.
 */
export async function adoptIndexes(store: Store): Promise<boolean> {
  for (;;) {
    const read = await readIndexState(store);
    const before = read?.state ?? await unknownState(store);
    const next = adopted(before, store.schema);
    if (read !== null && next === before) {
      keepOwn(store, before);
      return false;
    }
    if (await replaceIndexState(store, read, next) !== null) return next !== before;
  }
}

/** Before the state was kept there was generation 1; and where nothing is, everything is whole. */
async function unknownState(store: Store): Promise<IndexState> {
  const isEmpty = (await store.list({ prefix: EVENTS }, { limit: 1 })).length === 0;
  const { indexes, generation } = store.schema;
  const known = Object.entries(indexes).filter(([, since]) => isEmpty || since === 1);
  return {
    format: 1,
    generation: isEmpty ? generation : 1,
    indexes: Object.fromEntries(known),
    whole: known.map(([name]) => name),
    dropped: [],
    walk: null,
  };
}

/** The state with the indexes of `schema`; `before` itself when they are the same; pure. */
function adopted(before: IndexState, { generation, indexes }: Store["schema"]): IndexState {
  const names = Object.keys(indexes);
  const isSame = (name: string) => before.indexes[name] === indexes[name];
  const dropped = [...new Set([...before.dropped, ...Object.keys(before.indexes)])]
    .filter((name) => indexes[name] === undefined);
  const changes = generation !== before.generation || !names.every(isSame) ||
    dropped.length > before.dropped.length;
  if (!changes) return before;
  const whole = names.filter((name) => isSame(name) && before.whole.includes(name));
  const changed = names.filter((name) => !whole.includes(name));
  return {
    format: before.format,
    generation,
    indexes: { ...indexes },
    whole,
    dropped,
    // A generation raised without a word of what it changed: everything is looked through.
    walk: newWalk(changed.length > 0 ? changed : names),
  };
}

/** A walk over all records, and then over the rows of `indexes`, from the beginning; pure. */
export function newWalk(indexes: string[]): IndexWalk {
  return { pass: 1, notBefore: 0, indexes, part: "event", after: null };
}

/** @throws {DomainError} `index_incomplete` when one of the indexes is not whole. */
export async function requireWhole(store: Store, names: string[]): Promise<void> {
  const state = store.isShared ? (await readIndexState(store))?.state : ownStates.get(store);
  refuseIncomplete(store, state, names);
}

/**
 * Reads `key`, and in the same snapshot whether the indexes are whole.
 * @throws {DomainError} `index_incomplete`.
 */
export async function getWithWhole<T>(
  store: Store,
  key: Deno.KvKey,
  names: string[],
): Promise<Deno.KvEntryMaybe<T>> {
  if (!store.isShared) {
    refuseIncomplete(store, ownStates.get(store), names);
    return await store.get<T>(key);
  }
  const [entry, state] = await store.getMany<unknown>([key, INDEX_STATE]);
  refuseIncomplete(store, storedState(store, state!)?.state, names);
  return entry as Deno.KvEntryMaybe<T>;
}

function refuseIncomplete(
  { schema }: Store,
  state: IndexState | undefined,
  names: string[],
): void {
  if (state === undefined) return;
  for (const name of names) {
    if (state.whole.includes(name) && state.indexes[name] === schema.indexes[name]) continue;
    throw new DomainError(
      "index_incomplete",
      `The index "${name}" is being rebuilt; what needs it is answered again when that is done.`,
      { index: name },
    );
  }
}
