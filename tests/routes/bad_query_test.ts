/** Query parameters that are wrong, repeated or unknown: a 400 that names them. */
import assert from "node:assert/strict";
import { testApp } from "../support/fixture.ts";
import { places, problem } from "../support/http.ts";

for (
  const [query, ...expected] of [
    ["limit=0", "limit invalid_format"],
    ["limit=101", "limit invalid_format"],
    ["limit=1e999", "limit invalid_format"],
    ["limit=1.5", "limit invalid_format"],
    ["limit=NaN", "limit invalid_format"],
    ["limit=", "limit invalid_format"],
    [`limit=${2 ** 60}`, "limit invalid_format"],
    ["limit=1&limit=2", "limit repeated_parameter"],
    ["city=a&city=a", "city repeated_parameter"],
    ["sort=title", "sort invalid_value"],
    ["sort=start_date&sort=end_date", "sort repeated_parameter"],
    ["status=OVER", "status invalid_value"],
    ["status=", "status invalid_value"],
    ["status=ONGOING,", "status invalid_value"],
    ["starts_after=2026-02-30T00:00:00Z", "starts_after invalid_value"],
    ["starts_before=2026-12-05", "starts_before invalid_value"],
    ["ends_after=2026-12-05T00:00:00", "ends_after invalid_value"],
    ["ends_after=NaN", "ends_after invalid_value"],
    ["online=1", "online invalid_value"],
    ["organizer=evt_00000000000000000000000000", "organizer invalid_format"],
    [`tag=${"x".repeat(51)}`, "tag too_big"],
    ["tag=", "tag too_small"],
    [`cursor=${"x".repeat(1_001)}`, "cursor too_big"],
    ["page=2", "page unknown_parameter"],
    ["Limit=2", "Limit unknown_parameter"],
    ["__proto__=1", "__proto__ unknown_parameter"],
    ["constructor=1&constructor=2", "constructor unknown_parameter"],
    [
      "limit=0&sort=x&page=2",
      "limit invalid_format",
      "sort invalid_value",
      "page unknown_parameter",
    ],
  ]
) {
  Deno.test(`GET /v1/events?${query!.slice(0, 60)} names the parameter`, async () => {
    await using t = await testApp();
    const response = await t.request("GET", `/v1/events?${query}`);
    const told = await problem(response, 400, "invalid_query");
    assert.deepEqual(places(told), expected);
    assert.ok(told.errors!.every(({ detail }) => detail.length > 15));
  });
}
