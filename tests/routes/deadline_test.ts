/** A request that takes too long is given up, unless it is one that may take its time. */
import assert from "node:assert/strict";
import { aGatedJob } from "../lifecycle/fake_jobs.ts";
import { ADMIN, type TestApp, testApp } from "../support/fixture.ts";
import { json, problem, TOMORROW } from "../support/http.ts";

const NEVER = new Promise<never>(() => {});
const EVENT = "/v1/events/evt_00000000000000000000000000";

/** Lets the deadline of whatever began before pass as well. */
async function assertAnotherIsGivenUp(t: TestApp): Promise<void> {
  const { get } = t.store;
  t.store.get = () => NEVER;
  await problem(await t.request("GET", EVENT), 503, "deadline_exceeded");
  t.store.get = get;
}

Deno.test("a request past its deadline is a 503 that says what may have become of it", async () => {
  await using t = await testApp({ requestDeadlineMs: 1 });
  t.store.get = () => NEVER;
  const response = await t.request("GET", EVENT);
  assert.equal(response.headers.get("retry-after"), "5");
  const { title } = await problem(response, 503, "deadline_exceeded");
  assert.equal(title, "The request took too long; a change that it asked for may still be made.");
});

Deno.test("what fails after its request was given up is no failure of the process", async () => {
  await using t = await testApp({ requestDeadlineMs: 1 });
  const late = Promise.withResolvers<never>();
  t.store.list = () => late.promise;
  await problem(await t.request("GET", "/v1/events"), 503, "deadline_exceeded");
  late.reject(new Error("too late"));
  await late.promise.catch(() => {});
});

Deno.test("a run lasts as long as its job does", async () => {
  const { job, entered, open } = aGatedJob({ examined: 7 });
  await using t = await testApp({ requestDeadlineMs: 1, jobs: [job] });
  const running = t.request("POST", `/v1/jobs/${job.name}/runs`, { headers: ADMIN });
  await entered;
  await assertAnotherIsGivenUp(t);
  open();
  assert.equal((await json<{ examined: number }>(await running)).examined, 7);
});

Deno.test("an import lasts as long as its lines do", async () => {
  await using t = await testApp({ requestDeadlineMs: 1 });
  const lines = Promise.withResolvers<string>();
  const body = new ReadableStream({
    async pull(controller) {
      controller.enqueue(new TextEncoder().encode(await lines.promise));
      controller.close();
    },
  });
  const headers = { ...ADMIN, "content-type": "application/x-ndjson" };
  const importing = t.request("POST", "/v1/imports", { body, headers });
  await assertAnotherIsGivenUp(t);
  lines.resolve(JSON.stringify({ ...TOMORROW, external_id: "x" }) + "\n");
  assert.equal((await json<{ created: number }>(await importing)).created, 1);
});
