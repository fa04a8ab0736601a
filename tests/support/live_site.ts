/** The pages with the whole app behind them, served over HTTP by the real clock. */
import assert from "node:assert/strict";
import type { EventRecord } from "../../kv/event_record.ts";
import type { Store } from "../../kv/store.ts";
import { requireTimes } from "../../lifecycle/edit_event.ts";
import type { EventView } from "../../lifecycle/event_view.ts";
import {
  ADMIN,
  DAY,
  HOUR,
  storeEvent,
  type TestApp,
  testApp,
  type TestAppOptions,
} from "./fixture.ts";
import { create, json, soon } from "./http.ts";

export interface LiveSite extends AsyncDisposable {
  url: string;
  /** The pages that were asked for; `fresh /` is one that was asked for again by its script. */
  asked: string[];
  app: TestApp;
  /** Stores an event from an hour ago, by default to a day from now. */
  stage: (title: string, event?: Partial<EventRecord>) => Promise<EventRecord>;
  /** An organiser publishes an event, by default from tomorrow on. */
  publish: (title: string, fields?: Record<string, unknown>) => Promise<EventView>;
  edit: (id: string, fields: Record<string, unknown>) => Promise<EventView>;
  transition: (id: string, to: string) => Promise<void>;
  remove: (id: string) => Promise<void>;
  /** From here on nobody tells the pages anything: they have to know the time by themselves. */
  fallSilent: () => Promise<void>;
  /**
   * Everything stops, and starts anew at the same address: on the same store, or on another one.
   * `meanwhile` is done by another process, as it were.
   */
  restart: (options: {
    store?: Store;
    meanwhile?: (app: TestApp) => Promise<void>;
  }) => Promise<void>;
}

export function timesBetween(start: number, end: number) {
  const [startDate, endDate] = [start, end].map((at) => new Date(at).toISOString());
  return requireTimes({ startDate: startDate!, endDate: endDate! }, null);
}

export async function openSite(options: TestAppOptions = {}): Promise<LiveSite> {
  const given = { ...options, clock: () => Date.now() };
  let app = await testApp(given);
  let server = serve(0);
  const { port } = server.addr;
  const headers = ADMIN;

  function serve(port: number) {
    const options = { hostname: "127.0.0.1", port, onListen() {} };
    return Deno.serve(options, async (request, info) => {
      const { pathname, searchParams } = new URL(request.url);
      if (!/^\/(v1|assets)\//.test(pathname)) {
        site.asked.push(searchParams.has("fresh") ? `fresh ${pathname}` : pathname);
      }
      const response = await app.app.fetch(request, info);
      // Stricter than what is sent: the pages keep to Trusted Types, too.
      const policy = response.headers.get("content-security-policy");
      if (policy !== null) {
        const stricter = `${policy}; require-trusted-types-for 'script'`;
        response.headers.set("content-security-policy", stricter);
      }
      return response;
    });
  }

  /** False while a connection of another test has been given the port meanwhile. */
  function isServedAgain(): boolean {
    try {
      server = serve(port);
      return true;
    } catch (error) {
      if (error instanceof Deno.errors.AddrInUse) return false;
      throw error;
    }
  }

  async function stop() {
    await app.realtime.stop();
    await Promise.all([server.shutdown(), app.runner.stop()]);
  }

  const site: LiveSite = {
    url: `http://127.0.0.1:${port}`,
    asked: [],
    get app() {
      return app;
    },
    async stage(title, event = {}) {
      const now = Date.now();
      const times = timesBetween(now - HOUR, now + DAY);
      return (await storeEvent(app.store, { ...times, title, ...event })).record;
    },
    async publish(title, fields = {}) {
      const start_date = new Date(Date.now() + DAY).toISOString();
      return await create(app, headers, { title, start_date, end_date: null, ...fields });
    },
    edit: async (id, body) =>
      await json(await app.request("PATCH", `/v1/events/${id}`, { body, headers })),
    async transition(id, to) {
      const path = `/v1/events/${id}/transitions`;
      await json(await app.request("POST", path, { body: { to }, headers }), 201);
    },
    async remove(id) {
      const body = { reason: "A test." };
      const { status } = await app.request("DELETE", `/v1/events/${id}`, { body, headers });
      assert.equal(status, 204);
    },
    fallSilent: () => app.realtime.stop(),
    async restart({ store = app.store, meanwhile }) {
      await stop();
      const before = app.store;
      app = await testApp({ ...given, store });
      await meanwhile?.(app);
      if (before !== store) before.close();
      await soon(isServedAgain);
    },
    async [Symbol.asyncDispose]() {
      await stop();
      app.store.close();
    },
  };
  return site;
}
