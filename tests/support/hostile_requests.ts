/** What clients get wrong, and what those send who mean harm: done to a request that was good. */
import fc from "fast-check";
import { resolved } from "../../routes/api_document.ts";
import type { Contract, NamedOperation } from "./contract.ts";
import type { MadeUp } from "./contract_requests.ts";
import { EVENTS, HOUSES, OTHERS_DRAFT, RUNS, TOKENS } from "./contract_world.ts";
import { anyText, anything } from "./hostile_values.ts";

type Damage =
  | { kind: "caller"; authorization: string | undefined }
  | { kind: "header"; name: string; value: string }
  | { kind: "unsaid"; name: string }
  | { kind: "query"; name: string; value: string }
  | { kind: "twice" }
  | { kind: "place"; text: string }
  | { kind: "ending"; text: string }
  | { kind: "method"; method: string }
  | { kind: "body"; text: string }
  | { kind: "member"; name: string; value: unknown }
  | { kind: "missing"; nth: number }
  | { kind: "amiss"; amiss: NonNullable<MadeUp["amiss"]> };

const LONG = "x".repeat(10_000);

const ACCEPTS = ["text/html", "application/xml", "*/*;q=0", "application/*;q=0, */*", "json", LONG];
ACCEPTS.push("application/problem+json", "application/x-ndjson", "", ";;;,", "*/*;q=nonsense");
const CALLERS = [undefined, "Bearer wrong", `Bearer ${TOKENS.bob}`, `Bearer ${TOKENS.alice}`];
const CREDENTIALS = ["", "Bearer", "Basic cm9vdDp4", "bearer  member-bob  ", "Bearer a b", LONG];
const TAGS = ["*", "nonsense", "", '"1"', '"1.p"', 'W/"1.p"', '"7"', '"1.p", "2.p"', '"\u00e9"'];
TAGS.push('"1.COMPLETED.p"', '"'.repeat(99), `"${LONG}"`, "*, *", ',"1.p",,');
const KEYS = ["", " ", "a b", "k", "\u00e4", "x".repeat(255), "x".repeat(256), LONG, "k, k"];
const TYPES = ["text/plain", "application/json", "application/merge-patch+json", "", "json", LONG];
TYPES.push(
  "application/json; charset=utf-16",
  "application/x-ndjson",
  "multipart/form-data",
  "*/*",
);
const CODINGS = ["gzip", "br", "identity", "identity, gzip", "", LONG];
const OTHERS = ["", "0", "-1", "../..", "é", "a\tb", "{}", "%0d%0aset-cookie: a=b", LONG];

const HEADERS: Record<string, string[]> = {
  accept: ACCEPTS,
  authorization: CREDENTIALS,
  "if-match": TAGS,
  "if-none-match": TAGS,
  "idempotency-key": KEYS,
  "content-type": TYPES,
  "content-encoding": CODINGS,
  prefer: ["respond-async", "respond-async;x", ...OTHERS],
  "content-length": ["0", "1", "999999999", "-1"],
  host: ["localhost:8000", "x/v1/jobs?a=", "a b", ""],
  range: ["bytes=0-1", "bytes=9999999999-"],
  ...Object.fromEntries(
    [
      "x-request-id",
      "x-forwarded-for",
      "x-forwarded-proto",
      "x-http-method-override",
      "transfer-encoding",
      "expect",
      "cookie",
      "origin",
      "last-event-id",
      "if-modified-since",
      "access-control-request-method",
    ].map((name) => [name, OTHERS]),
  ),
};

const kind = <Kind extends Damage["kind"], Rest extends Record<string, fc.Arbitrary<unknown>>>(
  kind: Kind,
  rest: Rest,
) => fc.record({ kind: fc.constant(kind), ...rest }) as unknown as fc.Arbitrary<Damage>;

const header = fc.oneof(
  ...Object.entries(HEADERS).map(([name, values]) => ({
    arbitrary: kind("header", { name: fc.constant(name), value: fc.constantFrom(...values) }),
    weight: values === OTHERS ? 1 : 4,
  })),
);

/** Beside the operation's own. */
const PARAMETERS = ["limit", "cursor", "tag", "reason", "dry_run", "__proto__", "constructor"];
PARAMETERS.push("Limit", "limit[]", "");

/** As they stand in an address, well escaped or not. */
const queryValue = fc.oneof(
  fc.constantFrom("", "1", "0", "101", "-1", "1e9", "NaN", "true", "TRUE", "null", "a,b", "%", "+"),
  fc.constantFrom("%00", "%ED%A0%80", "%FF", "%F0%9F", "%0d%0a", "..%2f", "%25", "<script>", "'"),
  fc.constantFrom("2026-12-05T18:00:00Z", "0000-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59"),
  fc.constantFrom("start_date", "-end_date", "COMPLETED", "DRAFT,ARCHIVED", "ONGOING,CANCELLED"),
  fc.constantFrom("org_00000000000000000000000000", "evt_00000000000000000000000001", "run_x"),
  fc.constantFrom(LONG, "999999999", "9999999999", "0.00000000000000000000-1"),
  anyText.map((text) => encodeURIComponent(text.toWellFormed())),
);

/** In place of an id. */
const PLACES = ["..%2f", "..%2f..%2fv1%2fjobs", "%2e%2e%2fx", "..%5c..", "%252e%252e", "%00", "%"];
PLACES.push("%E0%A4%A", "null", "a%0d%0aSet-Cookie:%20x=1", "x".repeat(3_000), "evt_", "%F0%9F%8E");
PLACES.push("evt_00000000000000000000000000", "org_00000000000000000000000000", "__proto__", "*");
PLACES.push(
  "evt_zzzzzzzzzzzzzzzzzzzzzzzzzz",
  "run_00000000000000000000000000",
  "a;b=c",
  "a&b",
  "~",
);
PLACES.push("complete_events", "no_such_job", "constructor", "é", "🎭", "evt_%2f", "{id}");
const ENDINGS = ["/", "//", "/x", "%20", ".json", ";x=1", "%3F", "/..;/", "%00"];
const METHODS = ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "POST", "GET", "MKCOL", "PROPFIND"];

const NESTED = "[".repeat(50_000);
const BODIES = [
  "",
  " ",
  "{",
  "null",
  "[]",
  "7",
  '"x"',
  "NaN",
  "{'a': 1}",
  '{"a":1}{"b":2}',
  NESTED,
];
BODIES.push(
  '{"a":'.repeat(20_000) + "1" + "}".repeat(20_000),
  `{"title":"${"x".repeat(300_000)}"}`,
);
BODIES.push(
  '{"__proto__":{"role":"admin"}}',
  '\ufeff{"title":"x"}',
  "\u0000",
  '{"title":"\\ud800"}',
);
BODIES.push("a=b&c=d", "--x\r\n\r\n--x--", '{"title":"a","title":"b"}', "{}\n{}\n", "\n\n", "[{}]");

/** Beside the body's own. */
const MEMBERS = ["id", "version", "status", "role", "__proto__", "constructor", "ünï", ""];

/** What can be wrong with a request to the operation, the more often the more it takes. */
function damagesTo(contract: Contract, { path, operation }: NamedOperation): fc.Arbitrary<Damage> {
  const { parameters = [], requestBody } = operation;
  const [{ schema = {} } = {}] = Object.values(requestBody?.content ?? {});
  const members = Object.keys(resolved(contract.document, schema).properties ?? {});
  const asked = parameters.filter(({ in: place }) => place === "query").map(({ name }) => name);
  const places = [...Object.values(EVENTS), OTHERS_DRAFT, ...HOUSES, ...RUNS];
  const byBody = requestBody === undefined ? 1 : 4;
  const byPlace = path.includes("{") ? 3 : 1;
  const own = <T>(names: T[], others: T[]) =>
    fc.oneof(
      { arbitrary: fc.constantFrom(...names, ...(names.length === 0 ? others : [])), weight: 3 },
      { arbitrary: fc.constantFrom(...others), weight: 1 },
    );
  const value = queryValue;
  return fc.oneof(
    { weight: 4, arbitrary: kind("caller", { authorization: fc.constantFrom(...CALLERS) }) },
    { weight: 4, arbitrary: header },
    { weight: 1, arbitrary: kind("unsaid", { name: fc.constantFrom("if-match", "content-type") }) },
    {
      weight: asked.length === 0 ? 1 : 8,
      arbitrary: kind("query", { name: own(asked, PARAMETERS), value }),
    },
    { weight: 1, arbitrary: kind("twice", {}) },
    { weight: byPlace, arbitrary: kind("place", { text: fc.constantFrom(...places) }) },
    { weight: byPlace, arbitrary: kind("place", { text: fc.constantFrom(...PLACES) }) },
    { weight: 1, arbitrary: kind("ending", { text: fc.constantFrom(...ENDINGS) }) },
    { weight: 1, arbitrary: kind("method", { method: fc.constantFrom(...METHODS) }) },
    { weight: byBody, arbitrary: kind("body", { text: fc.constantFrom(...BODIES) }) },
    {
      weight: 2 * byBody,
      arbitrary: kind("member", { name: own(members, MEMBERS), value: anything }),
    },
    { weight: 1, arbitrary: kind("missing", { nth: fc.nat(20) }) },
    {
      weight: 3,
      arbitrary: kind("amiss", { amiss: fc.constantFrom("unavailable", "broken", "limit") }),
    },
  );
}

/** Good requests to the operation with one thing done to them, or a few. */
export function hostileRequests(
  contract: Contract,
  one: NamedOperation,
  good: fc.Arbitrary<MadeUp>,
): fc.Arbitrary<MadeUp> {
  const damage = damagesTo(contract, one);
  const damages = fc.oneof(
    { weight: 2, arbitrary: fc.tuple(damage) },
    { weight: 1, arbitrary: fc.array(damage, { minLength: 2, maxLength: 3 }) },
  );
  return fc.tuple(good, damages).map(([request, damages]) =>
    (damages as Damage[]).reduce(damaged, request)
  );
}

function damaged(request: MadeUp, damage: Damage): MadeUp {
  const { path, query, headers, json } = request;
  switch (damage.kind) {
    case "caller": {
      const { authorization } = damage;
      const others = withoutHeader(headers, "authorization");
      const own: Record<string, string> = authorization === undefined ? {} : { authorization };
      return { ...request, headers: { ...others, ...own } };
    }
    case "unsaid":
      return { ...request, headers: withoutHeader(headers, damage.name) };
    case "header":
      return { ...request, headers: { ...headers, [damage.name]: damage.value } };
    case "query": {
      const others = query.filter(([name]) => name !== damage.name);
      return { ...request, query: [...others, [damage.name, damage.value]] };
    }
    case "twice":
      return { ...request, query: [...query, ...query] };
    case "place":
      return { ...request, path: path.replace(/(?<=^\/v1\/\w+\/)[^/]+/, damage.text) };
    case "ending":
      return { ...request, path: path + damage.text };
    case "method":
      return { ...request, method: damage.method };
    case "body":
      return { ...request, text: damage.text };
    case "member":
      return { ...request, json: withMember(json, damage) };
    case "missing": {
      const members = Object.entries(json ?? {});
      members.splice(damage.nth % Math.max(members.length, 1), 1);
      return { ...request, json: Object.fromEntries(members) };
    }
    case "amiss":
      return { ...request, amiss: damage.amiss };
  }
}

function withoutHeader({ ...headers }: MadeUp["headers"], name: string): MadeUp["headers"] {
  delete headers[name];
  return headers;
}

/** `__proto__` too becomes a member like any other. */
function withMember(json: unknown, { name, value }: { name: string; value: unknown }): unknown {
  return Object.fromEntries([...Object.entries(json ?? {}), [name, value]]);
}
