import assert from "node:assert/strict";
import { testApp } from "../support/fixture.ts";
import { problem } from "../support/http.ts";

Deno.test("security.txt names the contact for a year, and is not there without one", async () => {
  const path = "/.well-known/security.txt";
  await using t = await testApp();
  await problem(await t.request("GET", path), 404, "not_found");
  await using told = await testApp({ securityContact: "mailto:security@example.org" });
  const response = await told.request("GET", path);
  assert.equal(response.headers.get("content-type"), "text/plain; charset=utf-8");
  assert.equal(
    await response.text(),
    "Contact: mailto:security@example.org\nExpires: 2027-12-05T00:00:00Z\n" +
      "Preferred-Languages: en\n",
  );
});
