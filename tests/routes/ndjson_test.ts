/** `readLines`: lines out of bytes, however they are cut into chunks. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { type NdjsonLine, readLines } from "../../routes/ndjson.ts";
import { scaled } from "../support/fixture.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

function streamOf(chunks: Uint8Array[], failure?: Error): ReadableStream<Uint8Array> {
  let next = 0;
  return new ReadableStream({
    pull(controller) {
      const chunk = chunks[next++];
      if (chunk !== undefined) controller.enqueue(chunk);
      else if (failure === undefined) controller.close();
      else controller.error(failure);
    },
  });
}

function lines(text: string, maxBytes = 1_000): Promise<NdjsonLine[]> {
  return Array.fromAsync(readLines(streamOf([bytesOf(text)]), maxBytes));
}

const text = (line: number, text: string): NdjsonLine => ({ line, outcome: "text", text });

Deno.test("readLines() counts every line and passes over the blank ones", async () => {
  assert.deepEqual(await lines('{"a":1}\n\n  \r\n{"b":2}\r\n'), [
    text(1, '{"a":1}'),
    text(4, '{"b":2}\r'),
  ]);
  assert.deepEqual(await lines("the last line needs no end"), [
    text(1, "the last line needs no end"),
  ]);
  assert.deepEqual(await lines(""), []);
});

Deno.test("readLines() drops a line that is too long, and goes on with the next", async () => {
  const exactly = "x".repeat(10);
  assert.deepEqual(await lines(`${exactly}\n${exactly}x\n${exactly}\n${exactly}y`, 10), [
    text(1, exactly),
    { line: 2, outcome: "too_long" },
    text(3, exactly),
    { line: 4, outcome: "too_long" },
  ]);
});

Deno.test("readLines() tells a line that is not UTF-8", async () => {
  const bad = new Uint8Array([...bytesOf("good\n"), 0xff, 0xfe, 10, ...bytesOf("é"), 10, 0xc3]);
  assert.deepEqual(await Array.fromAsync(readLines(streamOf([bad]), 100)), [
    text(1, "good"),
    { line: 2, outcome: "not_utf8" },
    text(3, "é"),
    { line: 4, outcome: "not_utf8" },
  ]);
  // A byte order mark is no part of the text.
  assert.deepEqual(await lines("\ufeff{}"), [text(1, "{}")]);
});

Deno.test("readLines() ends a stream that fails with the line that broke off", async () => {
  const stream = streamOf([bytesOf("one\ntwo\nthr")], new Error("cut"));
  assert.deepEqual(await Array.fromAsync(readLines(stream, 100)), [
    text(1, "one"),
    text(2, "two"),
    { line: 3, outcome: "broken_off" },
  ]);
});

Deno.test("readLines() lets go of the stream when nobody reads on", async () => {
  let cancelled = false;
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => controller.enqueue(bytesOf("again\n")),
    cancel() {
      cancelled = true;
    },
  });
  for await (const line of readLines(endless, 100)) if (line.line === 3) break;
  assert.ok(cancelled);
});

Deno.test("readLines() reads the same from any chunks", async () => {
  // Of one to four bytes each, so that chunks end within them.
  const unit = fc.constantFrom("a", " ", "\r", "\t", "{", "\u0000", "é", "€", "\u2028", "😀");
  const content = fc.array(fc.string({ unit, maxLength: 12 }), { maxLength: 8 });
  const cuts = fc.array(fc.nat(100), { maxLength: 10 });
  await fc.assert(
    fc.asyncProperty(content, cuts, async (contents, cuts) => {
      const whole = contents.join("\n");
      const bytes = bytesOf(whole);
      const chunks: Uint8Array[] = [];
      let from = 0;
      for (const cut of [...cuts.sort((a, b) => a - b), bytes.length]) {
        chunks.push(bytes.subarray(from, Math.max(cut, from)));
        from = Math.max(cut, from);
      }
      const expected = whole.split("\n").flatMap((one, i) =>
        one.trim() === "" ? [] : [text(i + 1, one)]
      );
      assert.deepEqual(await Array.fromAsync(readLines(streamOf(chunks), 1_000)), expected);
    }),
    { numRuns: scaled(2_000, 300) },
  );
});
