/** The pages of `GET /v1/events`: cursors, positions, and what a list leaves to the sweep. */
import assert from "node:assert/strict";
import { getEvent } from "../../kv/events.ts";
import { ADMIN, DAY, MINUTE, NOW, storeEvent, type TestApp, testApp } from "../support/fixture.ts";
import { create, list, places, problem } from "../support/http.ts";

async function titles(t: TestApp, query: string): Promise<string[]> {
  return (await list(t, query)).items.map((item) => item.title);
}

Deno.test("all pages together are the list, and all answer the position of the first", async () => {
  await using t = await testApp();
  for (let i = 0; i < 25; i++) {
    // Many at one instant: the id decides.
    const startDate = NOW + Math.floor(i / 10) * MINUTE;
    await storeEvent(t.store, { title: `${i}`, startDate, endDate: i % 5 ? NOW + DAY : null });
  }
  for (const sort of ["start_date", "-start_date", "end_date", "-end_date"]) {
    const whole = await titles(t, `?sort=${sort}&limit=100`);
    assert.equal(whole.length, 25);
    assert.equal((await list(t, `?sort=${sort}`)).items.length, 20, "the default");
    const walked: string[] = [];
    let page = await list(t, `?sort=${sort}&limit=1`);
    const { position } = page;
    for (let limit = 1;; limit++) {
      walked.push(...page.items.map((item) => item.title));
      assert.equal(page.position, position);
      if (page.next_cursor === null) break;
      // Written between the pages: it must not move the position that the list stands for.
      await storeEvent(t.store, { status: "DRAFT" });
      page = await list(t, `?sort=${sort}&limit=${limit}&cursor=${page.next_cursor}`);
    }
    assert.deepEqual(walked, whole, sort);
  }
});

Deno.test("a page that meets due events leaves them out and wakes the sweep", async () => {
  await using t = await testApp();
  const { record: { id } } = await storeEvent(t.store, { endDate: NOW });
  assert.deepEqual((await list(t)).items, []);
  await t.runner.idle();
  assert.equal((await getEvent(t.store, id))?.record.status, "COMPLETED");
});

Deno.test("a cursor is good for its own list, on its own store, and unchanged", async () => {
  await using t = await testApp();
  await using other = await testApp();
  for (const app of [t, other]) for (let i = 0; i < 3; i++) await create(app, ADMIN);
  const { next_cursor: cursor } = await list(t, "?limit=1");
  const { next_cursor: foreign } = await list(other, "?limit=1");
  const flipped = cursor!.slice(0, 20) + (cursor![20] === "A" ? "B" : "A") + cursor!.slice(21);
  // Deno's own: base64 of the raw key parts.
  const raw = btoa(JSON.stringify([NOW, "evt_00000000000000000000000000"]));
  const get = (path: string) => t.request("GET", path, { headers: ADMIN });
  for (
    const forged of [foreign!, flipped, cursor!.slice(0, -4), cursor + "AAAA", raw, "x", "%00"]
  ) {
    const answer = await problem(await get(`/v1/events?cursor=${forged}`), 400, "invalid_cursor");
    assert.deepEqual(places(answer), ["cursor invalid_cursor"]);
  }
  for (
    const path of [
      `/v1/events?sort=-start_date&cursor=${cursor}`,
      `/v1/events?tag=music&cursor=${cursor}`,
      `/v1/events?online=false&cursor=${cursor}`,
      `/v1/me/events?cursor=${cursor}`,
    ]
  ) await problem(await get(path), 400, "invalid_cursor");
  assert.equal((await list(t, `?limit=2&cursor=${cursor}`)).items.length, 2);
});

Deno.test("a cursor shows nothing of the keys it stands for", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN);
  await create(t, ADMIN);
  const { next_cursor: cursor } = await list(t, "?limit=1");
  const bytes = atob(cursor!.replaceAll("-", "+").replaceAll("_", "/"));
  for (const part of [id, id.slice(4, 14), "start_date", String(NOW).slice(0, 6)]) {
    assert.ok(!bytes.includes(part) && !cursor!.includes(part));
  }
});

Deno.test("a combination without an index says which works", async () => {
  await using t = await testApp();
  for (
    const [query, parameter] of [
      ["?status=COMPLETED&sort=start_date", "sort"],
      ["?external_id=7&tag=music", "tag"],
      ["?external_id=7&cursor=x", "cursor"],
    ]
  ) {
    const response = await t.request("GET", `/v1/events${query}`);
    const answer = await problem(response, 400, "unsupported_query");
    assert.deepEqual(places(answer), [`${parameter} unsupported_query`]);
    assert.match(answer.detail, /end_date|organizer/);
  }
});
