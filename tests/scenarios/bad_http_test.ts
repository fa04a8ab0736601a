/**
 * Requests in bad faith against the program itself, by the byte. What reaches a handler is answered
 * with a problem; what is no HTTP is answered by the runtime, with an empty 400 or the end of the
 * connection. Nothing is a fault, and it goes on serving.
 */
import assert from "node:assert/strict";
import { ADMIN, ADMIN_TOKEN, scaled } from "../support/fixture.ts";
import { json, LATER } from "../support/http.ts";
import { memoryOf, type RawOptions, sendRaw, statusesOf } from "../support/raw_http.ts";
import { type Server, startServer } from "../support/server.ts";

const BODY = JSON.stringify(LATER);
const AUTH = `authorization: ${ADMIN.authorization}\r\n`;
const OF_JSON = `${AUTH}content-type: application/json\r\n`;
const OF_LINES = `${AUTH}content-type: application/x-ndjson\r\n`;
const CHUNKED = "transfer-encoding: chunked\r\n";

const size = (text: string, more = 0) => (text.length + more).toString(16);
const chunks = (text: string) => `${size(text)}\r\n${text}\r\n0\r\n\r\n`;

/** A request's head; its connection is the only thing that is as it should be. */
const head = (line: string, headers = "", host = "host: localhost\r\n") =>
  `${line} HTTP/1.1\r\n${host}connection: close\r\n${headers}\r\n`;
const get = (path: string, headers = "") => head(`GET ${path}`, headers);
const post = (headers: string, path = "/v1/events") => head(`POST ${path}`, headers);

/** What the runtime may hold of a body before it collects it, however long that is. */
const MAX_GROWTH_MB = 300;

interface Case extends RawOptions {
  what: string;
  sent: (string | Uint8Array)[];
  /** The status, and the code of the problem; "" is a closed connection, all by the runtime. */
  answer: string | RegExp;
}

const one = (what: string, answer: Case["answer"], ...sent: Case["sent"]): Case => ({
  what,
  answer,
  sent,
});

/** What the runtime answers by itself. */
const NO_HTTP = /^(400)?$/;
/** What it answers to a body that turns out not to be one, unless the handler was told first. */
const BROKEN = /^(400 malformed_json)?$/;
const LATIN_1 = new Uint8Array([0xe9]);

const CASES: Case[] = [
  // Paths that try to be others.
  one("a path with ..", "404 not_found", get("/v1/events/../no_such", AUTH)),
  one("a path with %2e%2e", "404 not_found", get("/v1/events/%2e%2e/no_such", AUTH)),
  one("a path with ..%2f", "404 not_found", get("/v1/events/..%2fjobs", AUTH)),
  one("a path with ..\\", "404 not_found", get("/v1/events/..\\no_such", AUTH)),
  one("a path of slashes", "404 not_found", get("//v1//events", AUTH)),
  one("a path of 10 kB", "404 not_found", get(`/v1/events/${"x".repeat(10_000)}`)),
  one("a path of 100 kB", NO_HTTP, get(`/v1/events/${"x".repeat(100_000)}`)),
  one("a path in UTF-8", "404 not_found", get("/v1/events/é")),
  one("a path in Latin-1", NO_HTTP, "GET /v1/events/", LATIN_1, " HTTP/1.1\r\nhost: x\r\n\r\n"),
  one("a path with a NUL", NO_HTTP, get("/v1/events/\u0000")),
  one("a path with a blank", NO_HTTP, get("/v1/events/a b")),
  one("no path", "404 not_found", head("OPTIONS *")),
  one("another server", "404 not_found", head("CONNECT evil.example:443")),
  // Hosts that try to be paths.
  ...[
    "x/v1/events?a=",
    "x#",
    "a b",
    'x"><script>',
    "u:p@x",
    "x:99999",
    "999.999.999.999",
    "é",
    "x\\y",
  ]
    .map((host) =>
      one(`the host ${host}`, "400 invalid_header", head("GET /docs", "", `host: ${host}\r\n`))
    ),
  one("two hosts", NO_HTTP, get("/v1/events", "host: other\r\n")),
  one("a host with a port", "200", head("GET /readyz", "", "host: [::1]:8000\r\n")),
  one("no host", "200", head("GET /readyz", "", "")),
  // Methods and versions.
  one("a method in small letters", "405 method_not_allowed", head("get /v1/events")),
  one("TRACE", "405 method_not_allowed", head("TRACE /v1/events", "cookie: a=b\r\n")),
  one("HTTP/3.0", NO_HTTP, "GET /v1/events HTTP/3.0\r\nhost: x\r\n\r\n"),
  one("HTTP/0.9", NO_HTTP, "GET /v1/events\r\n\r\n"),
  one("what TLS begins with", NO_HTTP, new Uint8Array([0x16, 3, 1, 0, 5, 1, 0, 0, 1, 0])),
  // Headers that try to be more than one.
  one("a header with CR LF", "200", get("/readyz", "x-request-id: a\r\nset-cookie: x=1\r\n")),
  one("a header with LF", "200", get("/readyz", "x-request-id: a\nset-cookie: x=1\r\n")),
  one("a header with CR", NO_HTTP, get("/readyz", "x-request-id: a\rset-cookie: x=1\r\n")),
  one("a header with NUL", NO_HTTP, get("/readyz", "x-request-id: a\u0000b\r\n")),
  one("a folded header", NO_HTTP, get("/readyz", "x-request-id: a\r\n b\r\n")),
  one("a token twice", "401 unauthenticated", get("/v1/jobs", AUTH + AUTH)),
  one("a header of 60 kB", "200", get("/readyz", `cookie: ${"x".repeat(60_000)}\r\n`)),
  one("a header of 1 MB", NO_HTTP, get("/readyz", `cookie: ${"x".repeat(1_000_000)}\r\n`)),
  one("a thousand headers", NO_HTTP, get("/readyz", "x-a: b\r\n".repeat(1_000))),
  // Lengths that are none.
  one("two lengths", NO_HTTP, post(`${OF_JSON}content-length: 5\r\ncontent-length: 6\r\n`), BODY),
  one(
    "a length and chunks",
    NO_HTTP,
    post(`${OF_JSON}content-length: 5\r\n${CHUNKED}`),
    chunks(BODY),
  ),
  one("a negative length", NO_HTTP, post(`${OF_JSON}content-length: -5\r\n`), BODY),
  one("a length beyond numbers", NO_HTTP, post(`${OF_JSON}content-length: 9${"9".repeat(30)}\r\n`)),
  // Lengths that lie.
  {
    ...one("a body shorter than it says", "400 malformed_json"),
    sent: [post(`${OF_JSON}content-length: ${BODY.length + 50}\r\n`), BODY],
    breaksOff: true,
  },
  one(
    "a body longer than it says",
    "400 malformed_json",
    post(`${OF_JSON}content-length: ${BODY.length - 5}\r\n`),
    BODY,
  ),
  {
    ...one("a body said to be huge", "413 payload_too_large"),
    sent: [post(`${OF_JSON}content-length: 10000000\r\n`), BODY],
    until: /"request_id":"[^"]+".*\}$/,
  },
  {
    ...one("a chunk shorter than it says", "400 malformed_json"),
    sent: [post(OF_JSON + CHUNKED), `${size(BODY, 20)}\r\n${BODY}\r\n`],
    breaksOff: true,
  },
  {
    ...one("chunks without an end", "400 malformed_json"),
    sent: [post(OF_JSON + CHUNKED), `${size(BODY)}\r\n${BODY}\r\n`],
    breaksOff: true,
  },
  one(
    "a chunk longer than it says",
    BROKEN,
    post(OF_JSON + CHUNKED),
    `${size(BODY, -5)}\r\n${BODY}\r\n`,
  ),
  one("a chunk of no size", BROKEN, post(OF_JSON + CHUNKED), `zz\r\n${BODY}\r\n0\r\n\r\n`),
  one(
    "a chunk beyond numbers",
    BROKEN,
    post(OF_JSON + CHUNKED),
    `${"f".repeat(18)}\r\n${BODY}\r\n`,
  ),
  {
    ...one("an import shorter than it says", "200 body_broken_off"),
    sent: [post(`${OF_LINES}content-length: 5000\r\n`, "/v1/imports"), `${BODY}\n{"titl`],
    breaksOff: true,
  },
  // Compressed on the way, and a request in the body of another.
  one(
    "a compressed body",
    "415 unsupported_media_type",
    post(`${OF_JSON}content-encoding: gzip\r\ncontent-length: 4\r\n`),
    new Uint8Array([0x1f, 0x8b, 8, 0]),
  ),
  one(
    "chunks said to be compressed",
    "400 malformed_json",
    post(`${OF_JSON}transfer-encoding: gzip, chunked\r\n`),
    "4\r\n",
    new Uint8Array([0x1f, 0x8b, 8, 0]),
    "\r\n0\r\n\r\n",
  ),
  one("a GET with a body", "200", get("/readyz", "content-length: 5\r\n"), "hello"),
  one("a wish to upgrade", "200", get("/readyz", "upgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n")),
];

async function assertWell({ url, lines }: Server): Promise<void> {
  assert.deepEqual(await json<unknown>(await fetch(`${url}/readyz`)), { status: "ready" });
  await json<unknown>(await fetch(`${url}/v1/events`, { headers: ADMIN }));
  const faults = lines.filter((line) => line.includes('"level":"error"'));
  assert.deepEqual(faults, []);
}

const serve = () => startServer({ env: { KV_PATH: ":memory:", ADMIN_TOKEN } });

Deno.test("whatever comes by the byte is answered or cut off, and never a fault", async () => {
  await using server = await serve();
  for (const { what, sent, answer, ...options } of CASES) {
    const text = await sendRaw(server, sent, options);
    const [status = "", ...others] = statusesOf(text);
    assert.deepEqual(others, [], `${what}: ${text}`);
    const code = /"code":"(\w+)"/.exec(text)?.[1] ?? "";
    const told = `${status} ${code}`.trim();
    if (typeof answer === "string") assert.equal(told, answer, `${what}: ${text}`);
    else assert.match(told, answer, `${what}: ${text}`);
    assert.doesNotMatch(text, /^set-cookie:/im, what);
    if (code !== "" && status !== "200") {
      assert.match(text, /^content-type: application\/problem\+json\r$/m, what);
      assert.match(text, /"remedy":"[^"]{20,}"/, what);
    }
  }
  await assertWell(server);
});

Deno.test("a request hidden behind another is one by itself, without the other's token", async () => {
  await using server = await serve();
  const hidden = get("/v1/jobs");
  const open = `POST /v1/events HTTP/1.1\r\nhost: x\r\n${OF_JSON}`;
  const answers = await sendRaw(server, [
    `${open}content-length: ${BODY.length}\r\n\r\n${BODY}${hidden}`,
  ]);
  assert.deepEqual(statusesOf(answers), ["201", "401"]);
  const length = BODY.length + hidden.length;
  const inside = await sendRaw(server, [
    post(`${OF_JSON}content-length: ${length}\r\n`),
    BODY,
    hidden,
  ]);
  assert.deepEqual(statusesOf(inside), ["400"]);
  await assertWell(server);
});

for (
  const [what, path, headers] of [
    ["a JSON body", "/v1/events", OF_JSON],
    ["an import", "/v1/imports", OF_LINES],
  ] as const
) {
  Deno.test(`while ${what} comes in ever so small pieces, others are served, in flat memory`, async () => {
    await using server = await serve();
    await assertWell(server);
    const before = await memoryOf(server);
    const pieces = "1\r\nx\r\n".repeat(scaled(200_000, 20_000));
    let isOver = false;
    const sending = sendRaw(server, [post(headers + CHUNKED, path), pieces, "0\r\n\r\n"])
      .finally(() => isOver = true);
    let served = 0;
    while (!isOver) {
      await json<unknown>(await fetch(`${server.url}/readyz`));
      served++;
    }
    assert.match(statusesOf(await sending)[0]!, /^(200|400)$/);
    assert.ok(served >= scaled(20, 5), `${served} others were served`);
    const grown = await memoryOf(server) - before;
    assert.ok(grown < MAX_GROWTH_MB, `${grown} MB more`);
    await assertWell(server);
  });
}
