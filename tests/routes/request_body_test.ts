/** Reading bodies: nobody's takes all the time or all the memory. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { GrowingBytes, piecesOf } from "../../routes/request_body.ts";
import { ADMIN, testApp } from "../support/fixture.ts";
import { json, problem } from "../support/http.ts";

Deno.test("GrowingBytes holds what was added, however it was cut", () => {
  const pieces = fc.array(fc.uint8Array({ maxLength: 10_000 }), { maxLength: 20 });
  fc.assert(fc.property(pieces, pieces, (first, second) => {
    const bytes = new GrowingBytes();
    for (const some of [first, second]) {
      for (const piece of some) {
        // What it was is nobody's concern any more once it was added.
        const mine = piece.slice();
        bytes.add(mine);
        mine.fill(0);
      }
      assert.deepEqual([...bytes.view], some.flatMap((piece) => [...piece]));
      assert.equal(bytes.length, bytes.view.length);
      bytes.drop();
      assert.equal(bytes.length, 0);
    }
  }));
});

/** As many pieces of one byte, all there at once. */
function tinyPieces(count: number): ReadableStream<Uint8Array> {
  const piece = new TextEncoder().encode("x");
  let left = count;
  return new ReadableStream({
    pull(controller) {
      if (left-- > 0) controller.enqueue(piece);
      else controller.close();
    },
  });
}

Deno.test("piecesOf() gives all pieces, and others their turn between them", async () => {
  let turns = 0;
  const timer = setInterval(() => turns++, 0);
  let count = 0;
  for await (const { length } of piecesOf(tinyPieces(10_000))) count += length;
  clearInterval(timer);
  assert.equal(count, 10_000);
  assert.ok(turns > 5, `${turns} turns`);
});

Deno.test("a body of many tiny pieces lets requests that come later overtake it", async () => {
  await using t = await testApp();
  for (const [path, type] of [["/v1/events", "json"], ["/v1/imports", "x-ndjson"]] as const) {
    const ended: string[] = [];
    const headers = { ...ADMIN, "content-type": `application/${type}` };
    const slow = t.request("POST", path, { body: tinyPieces(20_000), headers })
      .finally(() => ended.push("slow"));
    const quick = t.request("GET", "/v1/events").finally(() => ended.push("quick"));
    await json<unknown>(await quick);
    const answer = await slow;
    assert.deepEqual(ended, ["quick", "slow"], path);
    if (type === "json") await problem(answer, 400, "malformed_json");
    else assert.equal((await json<{ failed: number }>(answer)).failed, 1);
  }
});
