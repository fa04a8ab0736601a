/**
 * Bodies and queries in depth, on one store that fills: whatever comes is answered as the contract
 * promises, what was refused has written nothing, and the indexes stay those of the records.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { describeApi } from "../../routes/openapi.ts";
import { Contract } from "../support/contract.ts";
import { readPosition } from "../../kv/journal_places.ts";
import { ADMIN, assertIndexesRebuild, scaled, type TestApp, testApp } from "../support/fixture.ts";
import { anyText, anything, nasty } from "../support/hostile_values.ts";
import { create, TOMORROW } from "../support/http.ts";

const RUNS = { numRuns: scaled(2_000, 200) };

/** Bodies near enough to a real one that most of the rules are met. */
const members: Record<string, fc.Arbitrary<unknown>> = {
  external_id: fc.oneof(anything, fc.constantFrom("a", "b", "c")),
  title: fc.oneof({ weight: 3, arbitrary: fc.string({ minLength: 1 }) }, {
    weight: 1,
    arbitrary: anything,
  }),
  summary: anything,
  description: anything,
  url: anything,
  image_url: anything,
  visibility: fc.oneof(fc.constantFrom<unknown>("PUBLIC", "UNLISTED", "PRIVATE"), anything),
  status: fc.oneof(fc.constantFrom<unknown>("DRAFT", "CONFIRMED"), anything),
  start_date: anything,
  end_date: anything,
  time_zone: anything,
  all_day: fc.oneof(fc.boolean(), anything),
  disambiguation: fc.oneof(fc.constantFrom<unknown>("reject", "earlier", "later"), anything),
  location: fc.oneof(
    fc.dictionary(fc.constantFrom("city", "latitude", "name"), anything),
    anything,
  ),
  online: fc.oneof(fc.boolean(), anything),
  tags: fc.oneof(fc.array(anyText, { maxLength: 25 }), anything),
  metadata: fc.oneof(fc.dictionary(anyText, fc.oneof(anyText, nasty)), anything),
  staff: fc.oneof(
    fc.array(fc.record({ user_id: anything, role: fc.constantFrom("editor", "viewer", "x") })),
    anything,
  ),
  organizer_id: anything,
  version: anything,
};
const someMembers = fc.record(members, { requiredKeys: [] });
const aFew = fc.subarray(Object.keys(members), { maxLength: 3 }).chain((names) =>
  fc.record(Object.fromEntries(names.map((name) => [name, members[name]!])))
);
const anyBody = fc.oneof(someMembers, aFew, anything);

/** Sends it, and asserts what holds of every answer. */
async function ask(t: TestApp, method: string, path: string, body?: string): Promise<number> {
  const contract = contracts.get(t) ?? new Contract(describeApi(t.app));
  contracts.set(t, contract);
  const before = await readPosition(t.store);
  const type = { "content-type": "application/json", "if-match": "*" };
  const headers = body === undefined ? ADMIN : { ...ADMIN, ...type };
  const response = await t.request(method, path, { body, headers });
  const { status } = await contract.assertKept({ method, path }, response);
  assert.ok(status < 500, `${status} to ${method} ${path} ${body}`);
  const isRefused = status >= 400;
  if (isRefused) assert.equal(await readPosition(t.store), before, "refused, and yet written");
  return status;
}

const contracts = new WeakMap<TestApp, Contract>();

Deno.test("POST /v1/events answers any body, and refuses without a trace", async () => {
  await using t = await testApp();
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(anyBody, fc.boolean(), async (body, complete) => {
      const whole = complete && typeof body === "object" && body !== null && !Array.isArray(body)
        ? { ...TOMORROW, ...body }
        : body;
      seen.add(await ask(t, "POST", "/v1/events", JSON.stringify(whole)));
    }),
    RUNS,
  );
  assert.ok(seen.has(201) && seen.has(422), "both sides were met");
  await assertIndexesRebuild(t.store);
});

Deno.test("PATCH /v1/events/{id} answers any body, and refuses without a trace", async () => {
  await using t = await testApp();
  const { id } = await create(t, ADMIN);
  const seen = new Set<number>();
  await fc.assert(
    fc.asyncProperty(fc.oneof(aFew, anyBody), async (body) => {
      seen.add(await ask(t, "PATCH", `/v1/events/${id}`, JSON.stringify(body)));
    }),
    RUNS,
  );
  assert.ok(seen.has(200) && seen.has(422), "both sides were met");
  await assertIndexesRebuild(t.store);
});

const parameter = fc.constantFrom(
  ...["limit", "cursor", "sort", "status", "starts_after", "starts_before", "ends_after", "tag"],
  ...["organizer", "city", "country", "online", "external_id", "include_completed", "__proto__"],
);
const value = fc.oneof(
  fc.constantFrom(
    "5",
    "start_date",
    "-end_date",
    "COMPLETED",
    "ONGOING,CANCELLED",
    "true",
    "music",
  ),
  fc.constantFrom("2026-12-05T18:00:00Z", "0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
  fc.constantFrom("org_00000000000000000000000000", "%", "%00", "%ED%A0%80", "%FF", "+", ""),
  anyText.map((text) => encodeURIComponent(text.toWellFormed())),
);
const pairs = fc.array(fc.tuple(parameter, value), { maxLength: 5 });

Deno.test("GET answers any query string", async () => {
  await using t = await testApp();
  for (let i = 0; i < 3; i++) await create(t, ADMIN, { tags: ["music"], location: { city: "5" } });
  const seen = new Set<number>();
  const path = fc.constantFrom("/v1/events", "/v1/me/events", "/v1/jobs/start_events/runs");
  await fc.assert(
    fc.asyncProperty(path, pairs, async (path, pairs) => {
      const query = pairs.map(([name, value]) => `${name}=${value}`).join("&");
      seen.add(await ask(t, "GET", `${path}?${query}`));
    }),
    RUNS,
  );
  assert.deepEqual([...seen].sort(), [200, 400]);
});
