/** Programs that share a store and a Redis, as far as they can in one process; and who watches them. */
import assert from "node:assert/strict";
import { listJournal } from "../../kv/journal.ts";
import { placeText } from "../../kv/journal_places.ts";
import { Store } from "../../kv/store.ts";
import { redisPublisher } from "../../lifecycle/realtime/redis_publisher.ts";
import { redisUpstream } from "../../lifecycle/realtime/redis_subscription.ts";
import type { RealtimeOptions } from "../../lifecycle/realtime/realtime.ts";
import { SILENT } from "../../lifecycle/log.ts";
import type { RedisGateway } from "./redis_gateway.ts";
import { type ServedApp, servedApp } from "./served_app.ts";
import { SseClient } from "./sse.ts";

export const CHANNEL = "curtain:test:rt:changes";

/** A program on the store of `kv`; its own commits wake no other one. */
export async function realtimeProcess(
  kv: Deno.Kv,
  { gateway, channel = CHANNEL, realtime, clock }: {
    gateway: Pick<RedisGateway, "url" | "token">;
    channel?: string;
    realtime?: Partial<RealtimeOptions>;
    clock?: () => number;
  },
): Promise<ServedApp> {
  const store = await Store.over(kv);
  // Several close the same database, which only the first may.
  store.close = () => store.deadlines.stop();
  const place = { url: gateway.url, token: gateway.token, channel };
  const t = await servedApp({
    store,
    ...(clock === undefined ? {} : { clock }),
    realtime: {
      upstream: redisUpstream(store, {
        ...place,
        log: SILENT,
      }),
      channel: { name: channel, publish: await redisPublisher(place) },
      ...realtime,
    },
  });
  await t.realtime.prepare();
  return t;
}

/** One who watches, and notes the ids of what came. */
export class Watcher implements AsyncDisposable {
  readonly ids: string[] = [];
  /** How often it was told to start anew. */
  resets = 0;
  readonly client: SseClient;
  readonly #done: Promise<void>;

  constructor(url: string, { lastId = "", query = "" }: { lastId?: string; query?: string } = {}) {
    const address = `${url}/v1/events/stream${query}`;
    this.client = new SseClient((headers) => fetch(address, { headers }), {
      lastId,
      retryMs: 5,
      isPatient: true,
    });
    this.#done = this.#note();
  }

  async #note(): Promise<void> {
    for await (const { event, id } of this.client) {
      if (event === "reset") this.resets++;
      else this.ids.push(id);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.client.return();
    await this.#done;
  }
}

/** The ids of all changes in the journal, in their order. */
export async function journalIds(store: Store): Promise<string[]> {
  const ids: string[] = [];
  for (let after: string | null = null;;) {
    const entries = await listJournal(store, after, 100);
    for (const { versionstamp, entry } of entries) {
      entry.changes.forEach((_, i) => ids.push(placeText(store, { versionstamp, n: i + 1 })));
    }
    if (entries.length < 100) return ids;
    after = entries.at(-1)!.versionstamp;
  }
}

/** Asserts that all of them, once they have them, had exactly the journal: in order, nothing twice. */
export function assertSame(watchers: Watcher[], ids: string[]): void {
  for (const [i, watcher] of watchers.entries()) {
    assert.deepEqual(watcher.ids, ids, `watcher ${i}`);
    assert.equal(watcher.resets, 0, `watcher ${i}`);
  }
}
