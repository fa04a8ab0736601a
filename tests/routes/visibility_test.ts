/** Who sees an event, and who sees whom it names: strangers are told that there is nothing. */
import assert from "node:assert/strict";
import { organizerMemberKey } from "../../kv/keys.ts";
import type { OrganizerId } from "../../kv/event_record.ts";
import { type TestApp, testApp } from "../support/fixture.ts";
import type { ErrorCode } from "../../kv/errors.ts";
import { as, assertWritesNothing, byName, create, json, list, problem } from "../support/http.ts";

/** Alice's event, which names Bob as an editor and Carol as a viewer; Mallory is nobody to it. */
const NAMED = {
  staff: [{ user_id: "usr_bob", role: "editor" }, { user_id: "usr_carol", role: "viewer" }],
};
const PEOPLE = ["alice", "bob", "carol", "root"];
const STRANGERS = [as("mallory"), {}];

function get(t: TestApp, id: string, headers: Record<string, string>, rest = "") {
  return t.request("GET", `/v1/events/${id}${rest}`, { headers });
}

for (const hidden of [{ status: "DRAFT" }, { visibility: "PRIVATE" }]) {
  const [kind] = Object.values(hidden);
  Deno.test(`a ${kind} event is for its people, and a 404 for everyone else`, async () => {
    await using t = await testApp({ authenticate: byName });
    const { id } = await create(t, as("alice"), { ...NAMED, ...hidden });
    for (const name of PEOPLE) {
      assert.equal((await json(await get(t, id, as(name)))).id, id);
      assert.equal((await get(t, id, as(name), "/transitions")).status, 200);
    }
    await assertWritesNothing(t, async () => {
      for (const headers of STRANGERS) {
        await problem(await get(t, id, headers), 404, "not_found");
        await problem(await get(t, id, headers, "/transitions"), 404, "not_found");
        // Who is nobody writes nothing, whether there is something or not.
        const refused: [number, ErrorCode] = Object.keys(headers).length > 0
          ? [404, "not_found"]
          : [401, "unauthenticated"];
        const path = `/v1/events/${id}`;
        const patch = await t.request("PATCH", path, { body: { title: "Mine" }, headers });
        await problem(patch, ...refused);
        const transition = await t.request("POST", `${path}/transitions`, {
          body: { to: "CANCELLED" },
          headers,
        });
        await problem(transition, ...refused);
        await problem(await t.request("DELETE", path, { headers }), ...refused);
        assert.equal((await t.request("GET", `/events/${id}`, { headers })).status, 404);
      }
    });
    assert.deepEqual((await list(t, "", as("alice"))).items, [], "nor is it listed");
  });
}

Deno.test("an UNLISTED event is in no list, and for anyone who has its id", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id, organizer_id } = await create(t, as("alice"), {
    visibility: "UNLISTED",
    tags: ["music"],
  });
  assert.equal((await json(await get(t, id, {}))).visibility, "UNLISTED");
  for (const query of ["", "?tag=music", `?organizer=${organizer_id}`, "?sort=-end_date"]) {
    assert.deepEqual((await list(t, query, as("alice"))).items, []);
  }
});

Deno.test("the staff of a public event are shown to its people only", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id } = await create(t, as("alice"), NAMED);
  for (const name of PEOPLE) {
    assert.deepEqual((await json(await get(t, id, as(name)))).staff, NAMED.staff);
  }
  for (const headers of STRANGERS) {
    assert.deepEqual((await json(await get(t, id, headers))).staff, []);
  }
});

Deno.test("viewers may look and not touch; editors may; strangers are told why not", async () => {
  await using t = await testApp({ authenticate: byName });
  const { id, organizer_id } = await create(t, as("alice"), NAMED);
  const path = `/v1/events/${id}`;
  // No route makes members yet.
  const member = organizerMemberKey(organizer_id as OrganizerId, "usr_dave");
  await t.store.kv.set(member, { role: "viewer" });
  await assertWritesNothing(t, async () => {
    for (const name of ["carol", "dave", "mallory"]) {
      const headers = as(name);
      const patch = await t.request("PATCH", path, { body: { title: "Mine" }, headers });
      await problem(patch, 403, "forbidden");
      const body = { to: "CANCELLED" };
      const transition = await t.request("POST", `${path}/transitions`, { body, headers });
      await problem(transition, 403, "forbidden");
      await problem(await t.request("DELETE", path, { headers }), 403, "forbidden");
    }
    const patch = await t.request("PATCH", path, { body: { title: "Mine" } });
    assert.equal(patch.headers.get("www-authenticate"), 'Bearer realm="curtain"');
    await problem(patch, 401, "unauthenticated");
  });
  const patch = await t.request("PATCH", path, { body: { title: "Ours" }, headers: as("bob") });
  assert.equal((await json(patch)).title, "Ours");
});
