/** An administrator's API token without the scope `admin`: a member's, with what is theirs. */
import assert from "node:assert/strict";
import { listAudit } from "../../kv/audit.ts";
import type { EventId } from "../../kv/event_record.ts";
import { ALL_SCOPES, type Scope } from "../../lifecycle/scopes.ts";
import { addMember, organizerId } from "../lifecycle/lifecycle_fixture.ts";
import { DAY, HOUR, NOW, storeEvent, type TestApp, testApp } from "../support/fixture.ts";
import { json, problem } from "../support/http.ts";
import { signedIn, tokenOf } from "../support/people.ts";

const OTHERS = ALL_SCOPES.filter((scope) => scope !== "admin");

interface World extends TestApp {
  /** The headers of a token of the administrator's. */
  by: (scopes: Scope[]) => Promise<Record<string, string>>;
  /** Drafts: of a house where they are an editor, of one where they staff it, and of strangers. */
  drafts: Record<"own" | "staffed" | "strangers", EventId>;
}

async function world(): Promise<World> {
  const t = await testApp();
  const ann = await signedIn(t, "Ann", { role: "admin" });
  await addMember(t.store, organizerId(1), { userId: ann.id, role: "editor" });
  for (const number of [2, 3]) {
    await addMember(t.store, organizerId(number), { userId: "usr_bob", role: "owner" });
  }
  const draft = async (number: number, isStaffed = false) => {
    const { record } = await storeEvent(t.store, {
      organizerId: organizerId(number),
      status: "DRAFT",
      startDate: NOW + HOUR,
      endDate: NOW + DAY,
      staff: isStaffed ? [{ userId: ann.id, role: "editor" }] : [],
    });
    return record.id;
  };
  const drafts = { own: await draft(1), staffed: await draft(2, true), strangers: await draft(3) };
  return Object.assign(t, { by: (scopes: Scope[]) => tokenOf(t, ann, scopes), drafts });
}

Deno.test("without the scope admin a token has the memberships and the staff's rights of its person only", async () => {
  await using t = await world();
  const { own, staffed, strangers } = t.drafts;
  const [without, with_] = [await t.by(OTHERS), await t.by(ALL_SCOPES)];
  const statuses = async (method: string, headers: Record<string, string>, body?: unknown) => {
    const all: number[] = [];
    for (const id of [own, staffed, strangers]) {
      const response = await t.request(method, `/v1/events/${id}`, { headers, body });
      await response.body?.cancel();
      all.push(response.status);
    }
    return all;
  };
  assert.deepEqual(await statuses("GET", without), [200, 200, 404]);
  assert.deepEqual(await statuses("PATCH", without, { title: "Anew" }), [200, 200, 404]);
  assert.deepEqual(await statuses("GET", with_), [200, 200, 200]);
  assert.deepEqual(await statuses("PATCH", with_, { title: "Again" }), [200, 200, 200]);
});

Deno.test("without the scope admin a token is told changes of what its person may see as a member", async () => {
  await using t = await world();
  const told = async (scopes: Scope[]) => {
    const { position } = await json<{ position: string }>(
      await t.request("GET", "/v1/events", { headers: await t.by(scopes) }),
    );
    const start = `${position.slice(0, position.indexOf("."))}.${"0".repeat(20)}-0`;
    const { items } = await json<{ items: { data?: { id: EventId } }[] }>(
      await t.request("GET", `/v1/changes?after=${start}`, { headers: await t.by(scopes) }),
    );
    return items.map(({ data }) => data?.id);
  };
  const { own, staffed, strangers } = t.drafts;
  assert.deepEqual(await told(OTHERS), [own, staffed]);
  assert.deepEqual(await told(ALL_SCOPES), [own, staffed, strangers]);
});

Deno.test("GET /v1/me says what somebody is by their token, and a refusal which scope is missing", async () => {
  await using t = await world();
  const roleBy = async (scopes: Scope[]) =>
    (await json<{ role: string }>(
      await t.request("GET", "/v1/me", { headers: await t.by(scopes) }),
    )).role;
  assert.equal(await roleBy(OTHERS), "member");
  assert.equal(await roleBy(["admin"]), "admin");
  const exporting = await t.request("GET", "/v1/exports", { headers: await t.by(OTHERS) });
  assert.match((await problem(exporting, 403, "forbidden")).detail, /the scope "admin"/);
});

Deno.test("an import by a token without the scope admin reaches what its person may write", async () => {
  await using t = await world();
  const line = (number: number) =>
    JSON.stringify({
      external_id: `gala-${number}`,
      organizer_id: organizerId(number),
      title: "Gala",
      start_date: "2026-12-06T19:30:00Z",
      end_date: "2026-12-06T23:00:00Z",
    });
  const send = async (scopes: Scope[]) => {
    const headers = { ...await t.by(scopes), "content-type": "application/x-ndjson" };
    const body = `${line(1)}\n${line(3)}\n`;
    const report = await json<{ created: number; failures: { line: number; code: string }[] }>(
      await t.request("POST", "/v1/imports", { body, headers }),
    );
    return [report.created, ...report.failures.map(({ line, code }) => `${line} ${code}`)];
  };
  assert.deepEqual(await send(OTHERS), [1, "2 forbidden"]);
  assert.deepEqual(await send(ALL_SCOPES), [1]);
});

Deno.test("what a token does without the scope admin is no use of an administrator's power", async () => {
  await using t = await world();
  const uses = async (scopes: Scope[]) => {
    const response = await t.request("PATCH", `/v1/events/${t.drafts.own}`, {
      headers: await t.by(scopes),
      body: { title: scopes.join() },
    });
    await json(response);
    const lines = await listAudit(t.store, { before: null, limit: 50 });
    return lines.filter(({ action }) => action === "admin.request").length;
  };
  assert.equal(await uses(OTHERS), 0);
  assert.equal(await uses(ALL_SCOPES), 1);
});
