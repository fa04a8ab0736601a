/** What the typed client sends again, when, and what it never does. */
import assert from "node:assert/strict";
import {
  type Client,
  type ClientOptions,
  createClient,
  type Fetch,
  ProblemError,
} from "../../routes/client.ts";
import { clientOf, fetchOf, problemOf, type TestClient, testClient } from "../support/client.ts";
import { ADMIN, allRecords, testApp } from "../support/fixture.ts";
import { create, problem, TOMORROW } from "../support/http.ts";

interface Sent {
  method: string;
  key: string | null;
}

const LOST = new TypeError("connection reset");

/** An answer by the status, and what `Retry-After` says; or a connection that broke. */
type Ending = number | [status: number, headers: Record<string, string>] | Error;

/** A client whose requests end like this, one after the other; the last goes on for ever. */
function scripted(
  endings: Ending[],
  options: ClientOptions = {},
): TestClient & { sent: Sent[] } {
  const sent: Sent[] = [];
  const fetch: Fetch = (_, { method = "GET", headers } = {}) => {
    const ending = endings[Math.min(sent.length, endings.length - 1)]!;
    sent.push({ method, key: new Headers(headers).get("idempotency-key") });
    if (ending instanceof Error) return Promise.reject(ending);
    const [status, more] = typeof ending === "number" ? [ending, {}] : ending;
    const type = status < 400 ? "application/json" : "application/problem+json";
    const body = status === 204 ? null : "{}";
    return Promise.resolve(
      new Response(body, { status, headers: { "content-type": type, ...more } }),
    );
  };
  return { ...testClient({ fetch, ...options }), sent };
}

/** Calls of each kind. */
const CALLS = {
  GET: (client: Client) => client.v1.events.$get(),
  POST: (client: Client) => client.v1.events.$post({ json: TOMORROW }),
  PATCH: (client: Client) => client.v1.events[":id"].$patch({ ...ONE, json: { title: "Ball" } }),
  DELETE: (client: Client) => client.v1.events[":id"].$delete(ONE),
};
const ONE = { param: { id: "evt_x" }, header: { "If-Match": '"1.p"' } };

const isProblem = (status: number) => (error: unknown) =>
  error instanceof ProblemError && error.status === status;

Deno.test("who is told to wait waits just as long, and is then served", async () => {
  const date = "Sat, 05 Dec 2026 18:00:07 GMT";
  for (
    const [headers, ms] of [
      [{ "retry-after": "7" }, 7_000],
      [{ "retry-after": "0" }, 0],
      [{ "retry-after": date, date: "Sat, 05 Dec 2026 18:00:00 GMT" }, 7_000],
      [{ "retry-after": date, date: "Sat, 05 Dec 2026 18:00:09 GMT" }, 0],
      // It says nothing that can be understood: as if nobody had asked.
      [{ "retry-after": date }, 500],
      [{ "retry-after": "soon" }, 500],
      [{ "retry-after": "1.5", date }, 500],
      [{}, 500],
    ] as const
  ) {
    for (const call of Object.values(CALLS)) {
      const { client, waits, sent } = scripted([[429, headers], 200]);
      assert.equal((await call(client)).status as number, 200);
      assert.deepEqual([waits, sent.length], [[ms], 2], JSON.stringify(headers));
    }
  }
});

Deno.test("waits that nobody asked for double, up to a limit, and are drawn by lot", async () => {
  for (
    const [options, expected] of [
      [{}, [500, 1_000, 2_000]],
      [{ random: () => 0.5 }, [250, 500, 1_000]],
      [{ maxWaitMs: 800 }, [500, 800, 800]],
      [{ retries: 1 }, [500]],
      [{ retries: 0 }, []],
    ] as const
  ) {
    for (const status of [429, 502, 503, 504]) {
      const { client, waits, sent } = scripted([status], options);
      await assert.rejects(CALLS.GET(client), isProblem(status));
      assert.deepEqual([waits, sent.length], [expected, expected.length + 1]);
    }
    const { client, waits } = scripted([LOST], options);
    await assert.rejects(CALLS.GET(client), LOST);
    assert.deepEqual(waits, expected);
  }
});

Deno.test("who is told to wait for too long is told so at once", async () => {
  const { client, waits, sent } = scripted([[503, { "retry-after": "31" }]]);
  const { status, retryAfterMs } = await problemOf(CALLS.GET(client));
  assert.deepEqual([status, retryAfterMs, waits, sent.length], [503, 31_000, [], 1]);
});

Deno.test("three times not just now, and then it is served", async () => {
  for (const call of Object.values(CALLS)) {
    const { client, sent } = scripted([503, LOST, 503, 200]);
    await call(client);
    assert.equal(sent.length, 4);
  }
});

Deno.test("each POST and PATCH has a key of its own, which stays the same until it is served", async () => {
  const { client, sent } = scripted([503, LOST, 200, 200]);
  await CALLS.POST(client);
  await CALLS.PATCH(client);
  const [first, , third, other] = sent.map(({ key }) => key);
  assert.match(first!, /^[0-9a-z]{28}$/);
  assert.deepEqual([third, sent[1]!.key], [first, first]);
  assert.match(other!, /^[0-9a-z]{28}$/);
  assert.notEqual(other, first);
  const own = scripted([503, 200]);
  const header = { "Idempotency-Key": "mine" };
  await own.client.v1.organizers.$post({ header, json: { name: "Hall" } });
  assert.deepEqual(own.sent.map(({ key }) => key), ["mine", "mine"]);
  const reading = scripted([200]);
  await CALLS.GET(reading.client);
  await CALLS.DELETE(reading.client);
  assert.deepEqual(reading.sent.map(({ key }) => key), [null, null]);
});

Deno.test("a POST whose answer is lost is sent again, answered as the first, and done once", async () => {
  await using t = await testApp();
  const first: string[] = [];
  const fetch: Fetch = async (input, init) => {
    const response = await fetchOf(t)(input, init);
    if (first.length > 0) return response;
    first.push(await response.text());
    throw LOST;
  };
  const answer = await CALLS.POST(clientOf(t, { fetch }));
  assert.equal(answer.headers.get("idempotency-replayed"), "true");
  assert.equal(answer.status, 201);
  assert.deepEqual(await answer.json(), JSON.parse(first[0]!));
  assert.equal((await allRecords(t.store)).length, 1);
});

Deno.test("an answer that breaks off is as good as lost", async () => {
  let count = 0;
  const fetch: Fetch = () => {
    const body = new ReadableStream({
      pull(controller) {
        if (count === 1) return controller.error(LOST);
        controller.enqueue(new TextEncoder().encode('{"items":[]}'));
        controller.close();
      },
    });
    count++;
    const headers = { "content-type": "application/json" };
    return Promise.resolve(new Response(body, { headers }));
  };
  const answer = await CALLS.GET(testClient({ fetch }).client);
  assert.deepEqual([(await answer.json()).items, count], [[], 2]);
});

Deno.test("a DELETE whose answer is lost is done when nothing is there any more", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN, { status: "DRAFT" });
  let isLost = false;
  const fetch: Fetch = async (input, init) => {
    const response = await fetchOf(t)(input, init);
    if (isLost) return response;
    isLost = true;
    throw LOST;
  };
  const remove = () => clientOf(t, { fetch }).v1.events[":id"].$delete({ ...ONE, param: { id } });
  assert.equal((await remove()).status, 204);
  await problem(await t.request("GET", `/v1/events/${id}`), 404, "not_found");
  await assert.rejects(remove(), isProblem(404), "the first answer counts");
});

Deno.test("a DELETE that was refused before it found nothing has not been done", async () => {
  for (const [endings, isDone] of [[[429, 404], false], [[503, 404], true]] as const) {
    const { client } = scripted([...endings]);
    if (isDone) assert.equal((await CALLS.DELETE(client)).status, 204);
    else await assert.rejects(CALLS.DELETE(client), isProblem(404));
  }
  for (const call of [CALLS.GET, CALLS.PATCH]) {
    await assert.rejects(call(scripted([503, 404]).client), isProblem(404));
  }
});

Deno.test("a conflict that passes is waited for, and no other", async () => {
  const { client, waits } = scripted([[409, { "retry-after": "1" }], 200]);
  await CALLS.POST(client);
  assert.deepEqual(waits, [1_000]);
  const other = scripted([409]);
  await assert.rejects(CALLS.POST(other.client), isProblem(409));
  assert.equal(other.sent.length, 1);
});

Deno.test("what is wrong with a request stays wrong, and is not sent again", async () => {
  for (const status of [400, 401, 403, 404, 406, 410, 412, 413, 415, 422, 428, 500]) {
    for (const call of Object.values(CALLS)) {
      const { client, sent } = scripted([status]);
      await assert.rejects(call(client), isProblem(status));
      assert.equal(sent.length, 1, `${status}`);
    }
  }
  const bug = new Error("a bug of whoever gave this fetch");
  const { client, sent } = scripted([bug]);
  await assert.rejects(CALLS.GET(client), bug);
  assert.equal(sent.length, 1);
});

Deno.test("a body that streams cannot be repeated, whatever it holds", async () => {
  const { body } = new Response(JSON.stringify(TOMORROW));
  const { client, sent } = scripted([503]);
  const call = client.v1.events.$post({ json: TOMORROW }, { init: { body } });
  await assert.rejects(call, isProblem(503));
  assert.equal(sent.length, 1);
});

Deno.test("an import is sent once: its lines may be new events each time", async () => {
  const header = { "Content-Type": "application/x-ndjson" };
  for (const ending of [503, LOST] as const) {
    for (const body of ["{}\n", new Response("{}\n").body]) {
      const { client, sent } = scripted([ending]);
      await assert.rejects(client.v1.imports.$post({ header }, { init: { body } }));
      assert.deepEqual(sent, [{ method: "POST", key: null }]);
    }
  }
});

Deno.test("an aborted request is not sent again, and an aborted wait ends at once", async () => {
  const reason = new Error("the page was left");
  const aborting = new AbortController();
  const fetch: Fetch = () => {
    aborting.abort(reason);
    return Promise.reject(LOST);
  };
  const during = testClient({ fetch });
  const { signal } = aborting;
  await assert.rejects(during.client.v1.events.$get({}, { init: { signal } }), LOST);
  assert.deepEqual(during.waits, []);

  // The clock of the platform: were the wait not ended, this would last for half a minute.
  const waiting = new AbortController();
  const busy = new Response("{}", { status: 503, headers: { "retry-after": "30" } });
  const client = createClient("http://curtain.example", { fetch: () => Promise.resolve(busy) });
  setTimeout(() => waiting.abort(reason));
  const asked = client.v1.events.$get({}, { init: { signal: waiting.signal } });
  await assert.rejects(asked, reason);
});

Deno.test("unless told otherwise the platform's own fetch and clock are used", async () => {
  let count = 0;
  const answering = () =>
    ++count === 1
      ? new Response("{}", { status: 503, headers: { "retry-after": "0" } })
      : Response.json({ items: [], next_cursor: null, position: "" });
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, answering);
  const client = createClient(`http://127.0.0.1:${server.addr.port}`);
  const response = await client.v1.events.$get();
  assert.deepEqual((await response.json()).items, []);
  assert.equal(count, 2);
});
