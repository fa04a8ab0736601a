/**
 * The store: one Deno KV, opened with patience, every call with a deadline.
 *
 * Over KV Connect the runtime retries for ever on a broken link, so a call without a deadline hangs
 * its request. A commit past its deadline is another matter than a read: it may still be applied.
 */
import { Deadlines } from "./deadlines.ts";
import { upgraded } from "./formats.ts";
import { STORE } from "./keys.ts";
import { MAX_KEYS_PER_GET } from "./limits.ts";
import { SCHEMA, type Schema } from "./schema.ts";

export interface StoreOptions {
  /** Milliseconds until a read is given up. */
  readDeadlineMs?: number;
  /** Milliseconds until a commit's outcome is called unknown. */
  commitDeadlineMs?: number;
  /** Whether other processes use the same database; a local file takes one. */
  isShared?: boolean;
  /** What this version of the program knows of the records; today's unless a test says otherwise. */
  schema?: Schema;
}

/** What is made once per database. */
interface StoreIdentity {
  format: number;
  /** Part of every change id, so that an id of another environment is never taken for one's own. */
  epoch: string;
  /** Encrypts cursors; shared by every copy and every deployment. */
  cursorKey: Uint8Array;
}

const OPEN_ATTEMPTS = 6;
const OPEN_BACKOFF_MS = 250;

export class Store {
  /** The newest versionstamp met so far: whatever we commit next comes after it. */
  newestSeen = "";
  /** Cursors made lately, by what they say; see `sealCursor`. */
  readonly sealedCursors = new Map<string, string>();
  readonly isShared: boolean;
  readonly schema: Schema;
  /** Of the calls to it; whoever has other calls to end in time may share the timer. */
  readonly deadlines = new Deadlines();
  readonly #readDeadlineMs: number;
  readonly #commitDeadlineMs: number;
  readonly #listeners = new Set<() => void>();

  private constructor(
    readonly kv: Deno.Kv,
    readonly epoch: string,
    readonly cursorKey: Uint8Array,
    options: StoreOptions,
  ) {
    this.isShared = options.isShared ?? false;
    this.schema = options.schema ?? SCHEMA;
    this.#readDeadlineMs = options.readDeadlineMs ?? 5_000;
    this.#commitDeadlineMs = options.commitDeadlineMs ?? 8_000;
  }

  /** Takes an open KV and makes its identity if this is the first time. */
  static async over(kv: Deno.Kv, options: StoreOptions = {}): Promise<Store> {
    const schema = options.schema ?? SCHEMA;
    const identity: StoreIdentity = {
      format: schema.formats.store.current,
      epoch: crypto.randomUUID().slice(0, 8),
      cursorKey: crypto.getRandomValues(new Uint8Array(32)),
    };
    await kv.atomic().check({ key: STORE, versionstamp: null }).set(STORE, identity).commit();
    const stored = await kv.get(STORE, { consistency: "strong" });
    const { epoch, cursorKey } = upgraded<StoreIdentity>(
      stored.value ?? identity,
      schema.formats.store,
    );
    const store = new Store(kv, epoch, cursorKey, options);
    store.#saw(stored.versionstamp);
    return store;
  }

  /** @throws {DomainError} `store_unavailable` past the deadline. */
  async get<T>(key: Deno.KvKey): Promise<Deno.KvEntryMaybe<T>> {
    const entry = await this.deadlines.within(
      this.kv.get<T>(key),
      this.#readDeadlineMs,
      "store_unavailable",
    );
    this.#saw(entry.versionstamp);
    return entry;
  }

  /**
   * Any number of keys, in their order; at most ten a call, as Deno KV takes.
   * @throws {DomainError} `store_unavailable` past the deadline.
   */
  async getMany<T>(keys: Deno.KvKey[]): Promise<Deno.KvEntryMaybe<T>[]> {
    const slices: Promise<Deno.KvEntryMaybe<T>[]>[] = [];
    for (let i = 0; i < keys.length; i += MAX_KEYS_PER_GET) {
      slices.push(this.kv.getMany<T[]>(keys.slice(i, i + MAX_KEYS_PER_GET)));
    }
    const entries =
      (await this.deadlines.within(Promise.all(slices), this.#readDeadlineMs, "store_unavailable"))
        .flat();
    for (const entry of entries) this.#saw(entry.versionstamp);
    return entries;
  }

  /**
   * One batch of a range: at most `limit` rows (up to 500), read as one consistent snapshot.
   * @throws {DomainError} `store_unavailable` past the deadline.
   */
  list<T>(
    selector: Deno.KvListSelector,
    options: { limit: number; reverse?: boolean },
  ): Promise<Deno.KvEntry<T>[]> {
    const rows = this.kv.list<T>(selector, { ...options, batchSize: options.limit });
    return this.deadlines.within(Array.fromAsync(rows), this.#readDeadlineMs, "store_unavailable");
  }

  /** @throws {DomainError} `outcome_unknown` past the deadline: it may still be applied. */
  async commit(
    operation: Deno.AtomicOperation,
  ): Promise<Deno.KvCommitResult | Deno.KvCommitError> {
    const result = await this.deadlines.within(
      operation.commit(),
      this.#commitDeadlineMs,
      "outcome_unknown",
    );
    if (result.ok) this.#saw(result.versionstamp);
    return result;
  }

  /** Calls `listener` after each commit of this process that changed events; the answer ends that. */
  onChanged(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  tellChanged(): void {
    for (const listener of this.#listeners) listener();
  }

  close(): void {
    this.deadlines.stop();
    this.kv.close();
  }

  #saw(versionstamp: string | null): void {
    if (versionstamp !== null && versionstamp > this.newestSeen) this.newestSeen = versionstamp;
  }
}

/** Whether a path is a KV Connect server's address. */
export function isRemote(path: string): boolean {
  return /^https?:\/\//i.test(path);
}

/**
 * Opens the store at `path`: a file, `:memory:`, an `http(s)://` KV Connect URL, or the runtime's
 * own (on Deno Deploy the attached database) when absent. A refused connection is tried again for
 * about eight seconds, because a server beside us may still be starting.
 */
export async function openStore(
  path: string | undefined,
  options: StoreOptions & { onRetry?: (error: unknown, attempt: number) => void } = {},
): Promise<Store> {
  const remote = path === undefined || isRemote(path);
  if (!remote && path !== ":memory:") {
    const folder = path.replace(/[^/\\]*$/, "");
    if (folder !== "") await Deno.mkdir(folder, { recursive: true });
  }
  for (let attempt = 1;; attempt++) {
    try {
      return await Store.over(await Deno.openKv(path), { isShared: remote, ...options });
    } catch (error) {
      if (!remote || attempt === OPEN_ATTEMPTS) throw error;
      options.onRetry?.(error, attempt);
      await new Promise((resolve) => setTimeout(resolve, OPEN_BACKOFF_MS * 2 ** (attempt - 1)));
    }
  }
}
