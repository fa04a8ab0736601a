/** Without Redis: the store itself says when to look. */
import assert from "node:assert/strict";
import { comparePlaces } from "../../../kv/journal_places.ts";
import { kvWatchUpstream } from "../../../lifecycle/realtime/kv_watch.ts";
import { testStore } from "../../kv/test_store.ts";
import { storeEvents } from "../../support/fixture.ts";
import { soon } from "../../support/http.ts";
import { aHub, aListener, aLog, headOf, twoProcesses } from "./realtime_fixture.ts";

Deno.test("what another process commits is found by watching the store", async () => {
  using both = await twoProcesses();
  const { here, there } = both;
  const hub = aHub(here, { upstream: kvWatchUpstream(here, aLog().log) });
  const listener = aListener();
  await hub.join(listener);
  const start = hub.position;
  await storeEvents(there, 5);
  await soon(async () => comparePlaces(hub.position, await headOf(there)) === 0);
  assert.equal(hub.entriesAfter(start)!.length, 5);
  await hub.leave(listener);
});

Deno.test("a watch that breaks off is begun anew, told of once, until it is closed", async () => {
  using store = await testStore();
  const { log, lines } = aLog();
  const { watch } = store.kv;
  let broken = 0;
  const breaking = () => {
    if (++broken === 1) throw new Error("no such thing");
    return new ReadableStream({ start: (to) => to.error(new Error("the link is gone")) });
  };
  store.kv.watch = breaking as unknown as typeof watch;
  let looks = 0;
  const watching = kvWatchUpstream(store, log).open({ look: () => looks++, receive: () => {} });
  await soon(() => broken >= 2);
  store.kv.watch = watch;
  await soon(() => looks > 0);
  const before = looks;
  await storeEvents(store, 1);
  await soon(() => looks > before);
  await watching.close();
  assert.deepEqual(lines.map(({ level }) => level).slice(0, 2), ["warn", "debug"]);
});

Deno.test("a watch that is closed while it waits to begin anew does not", async () => {
  using store = await testStore();
  const { log, lines } = aLog();
  let times = 0;
  store.kv.watch = (() => {
    times++;
    throw new Error("no such thing");
  }) as typeof store.kv.watch;
  const watching = kvWatchUpstream(store, log).open({ look: () => {}, receive: () => {} });
  await soon(() => lines.length === 1);
  await watching.close();
  assert.equal(times, 1);
});
