/** The parser by the standard, and the client by what browsers do. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { SseClient, type SseFrame, SseFrames, SseParser, SseRefused } from "./sse.ts";

const frame = (fields: Partial<SseFrame>): SseFrame => ({
  event: "message",
  id: "",
  data: null,
  retry: null,
  comments: [],
  ...fields,
});

const CASES: [name: string, text: string, frames: Partial<SseFrame>[]][] = [
  ["a line of data", "data: a\n\n", [{ data: "a" }]],
  ["lines of data", "data: a\ndata\ndata:b\n\n", [{ data: "a\n\nb" }]],
  ["one space only is dropped", "data:  a \n\n", [{ data: " a " }]],
  ["data that is empty", "data\n\ndata: \n\n", [{ data: "" }, { data: "" }]],
  ["two empty lines of data", "data\ndata\n\n", [{ data: "\n" }]],
  ["an event with a name", "event: x\ndata: a\n\ndata: b\n\n", [
    { event: "x", data: "a" },
    { data: "b" },
  ]],
  ["an id stays", "id: 1\ndata: a\n\ndata: b\n\nid\ndata: c\n\n", [
    { id: "1", data: "a" },
    { id: "1", data: "b" },
    { id: "", data: "c" },
  ]],
  ["an id without data", "id: 1\n\n", [{ id: "1" }]],
  ["an id with a null is none", "id: 1\n\nid: 2\0\ndata: a\n\n", [
    { id: "1" },
    { id: "1", data: "a" },
  ]],
  ["retry is digits", "retry: 10\n\nretry: 1x\n\nretry: -1\n\n", [{ retry: 10 }, {}, {}]],
  ["comments", ": here\n:\n\n", [{ comments: [" here", ""] }]],
  ["what is unknown is nothing", "datum: a\nDATA: b\n data: c\n\n", [{}]],
  ["colons in a value", "data: a: b\n\n", [{ data: "a: b" }]],
  ["a mark at the start", "\ufeffdata: a\n\n", [{ data: "a" }]],
  ["a mark later is text", "data: a\n\n\ufeffdata: b\n\n", [{ data: "a" }, {}]],
  ["every end of a line", "data: a\r\n\r\ndata: b\r\rdata: c\n\r\n", [
    { data: "a" },
    { data: "b" },
    { data: "c" },
  ]],
  ["what is not finished is none", "data: a\n\ndata: b\n", [{ data: "a" }]],
  ["empty lines", "\n\n\n", []],
];

Deno.test("SseParser takes frames as the standard says, in whatever pieces they come", () => {
  for (const [name, text, wanted] of CASES) {
    const expected = wanted.map(frame);
    assert.deepEqual(new SseParser().push(text), expected, name);
    const parser = new SseParser();
    assert.deepEqual([...text].flatMap((letter) => parser.push(letter)), expected, name);
  }
  const cuts = fc.array(fc.nat({ max: 200 }), { maxLength: 8 });
  const all = CASES.map(([, text]) => text).filter((text) => !text.endsWith("b\n")).join("\n");
  const whole = new SseParser().push(all);
  fc.assert(fc.property(cuts, (at) => {
    const parser = new SseParser();
    const places = [0, ...at.toSorted((a, b) => a - b), all.length];
    const frames = places.slice(1).flatMap((to, i) => parser.push(all.slice(places[i], to)));
    assert.deepEqual(frames, whole);
  }));
});

/** A stream that gives the texts and then ends, breaks or waits. */
function answer(texts: string[], end: "end" | "break" | "wait" = "end"): Response {
  const encoder = new TextEncoder();
  const body = new ReadableStream({
    start(to) {
      for (const text of texts) to.enqueue(encoder.encode(text));
      if (end === "end") to.close();
    },
    pull(to) {
      if (end === "break") to.error(new Error("cut"));
    },
  });
  return new Response(body, { headers: { "content-type": "text/event-stream" } });
}

Deno.test("SseFrames decodes letters that come in two pieces, and can be hung up", async () => {
  const bytes = new TextEncoder().encode("data: 東\n\n");
  const body = new ReadableStream({
    start(to) {
      to.enqueue(bytes.slice(0, 7));
      to.enqueue(bytes.slice(7));
    },
  });
  const frames = new SseFrames(new Response(body));
  assert.equal((await frames.message()).data, "東");
  const waiting = frames.next();
  await frames.return();
  assert.equal((await waiting).done, true);
});

Deno.test("SseClient comes back with the last id after ends, breaks and cuts", async () => {
  const asked: (string | undefined)[] = [];
  const answers = [
    () => answer(["retry: 0\nid: 1\n\n", "id: 2\ndata: a\n\nid: 3\ndata: lo"]),
    () => Promise.reject(new Error("no connection")),
    () => answer(["id: 4\ndata: b\n\n"], "break"),
    () => answer(["id: 5\ndata: c\n\n"], "wait"),
    () => answer(["data: d\n\n"], "wait"),
  ];
  await using client = new SseClient((headers) => {
    asked.push(headers["last-event-id"]);
    return Promise.resolve(answers[asked.length - 1]!());
  });
  for (const data of ["a", "b", "c"]) assert.equal((await client.next()).value?.data, data);
  const next = client.next();
  await client.cut();
  assert.deepEqual((await next).value, frame({ id: "5", data: "d" }));
  assert.deepEqual(asked, [undefined, "2", "2", "4", "5"]);
  assert.equal(client.connections, 4);
  const last = client.next();
  await client.return();
  assert.equal((await last).done, true);
});

Deno.test("SseClient gives up on what is no stream, a patient one only on the client's own fault", async () => {
  const refusing = (status: number) => () => Promise.resolve(new Response("no", { status }));
  for (const status of [200, 204, 400, 503]) {
    const client = new SseClient(
      status === 204 ? () => Promise.resolve(new Response(null, { status })) : refusing(status),
    );
    await assert.rejects(client.next(), (error) => {
      assert.ok(error instanceof SseRefused);
      return error.status === status;
    });
  }
  const statuses = [503, 429, 400];
  const patient = new SseClient(() => refusing(statuses.shift()!)(), {
    isPatient: true,
    retryMs: 0,
  });
  await assert.rejects(patient.next(), /refused with 400/);
});
