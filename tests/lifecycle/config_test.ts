import assert from "node:assert/strict";
import { ConfigError, MIN_TOKEN_LENGTH, parseConfig } from "../../lifecycle/config.ts";
import { parseIpRange } from "../../lifecycle/ip_ranges.ts";

type Environment = Record<string, string | undefined>;

function refusal(environment: Environment): string {
  try {
    parseConfig(environment, "start");
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.message;
  }
  assert.fail(`${JSON.stringify(environment)} was taken`);
}

Deno.test("parseConfig() serves everyone from a file when nothing is set", () => {
  assert.deepEqual(parseConfig({}, "start"), {
    port: 8000,
    host: "0.0.0.0",
    kvPath: "data/curtain.sqlite3",
    adminToken: null,
    openEndedMs: 24 * 3_600_000,
    logLevel: "info",
    requestsPerMinute: 6_000,
    trustedProxies: [],
    timeZone: "Europe/London",
    securityContact: null,
    deployment: null,
    redis: null,
    journalRetentionDays: 30,
    isDeployed: false,
    signUp: { rule: "invited" },
    adminUsers: new Set(),
    publicOrigin: null,
    signIn: { oidc: null, preset: null },
  });
});

Deno.test("parseConfig() for development listens on loopback and has a database of its own", () => {
  const config = parseConfig({}, "dev");
  assert.equal(config.host, "127.0.0.1");
  assert.equal(config.kvPath, "data/dev.sqlite3");
  assert.equal(parseConfig({ HOST: "::" }, "dev").host, "::");
});

Deno.test("parseConfig() takes who may create events, and who administers", () => {
  assert.deepEqual(parseConfig({}, "dev").signUp, { rule: "open" });
  for (const rule of ["open", "invited"] as const) {
    assert.deepEqual(parseConfig({ SIGN_UP: rule }, "dev").signUp, { rule });
  }
  assert.deepEqual(parseConfig({ SIGN_UP: "domains: A.org ,b.example.org" }, "start").signUp, {
    rule: "domains",
    domains: ["a.org", "b.example.org"],
  });
  for (const wrong of ["all", "domains:", "domains:a", "domains:a.org,,x y", "Open"]) {
    assert.match(refusal({ SIGN_UP: wrong }), /^SIGN_UP must be "invited", "open", or "domains:"/);
  }
  const users = "https://accounts.example|42, development|ann,";
  assert.deepEqual(
    parseConfig({ ADMIN_USERS: users }, "start").adminUsers,
    new Set(["https://accounts.example|42", "development|ann"]),
  );
  for (
    const wrong of [
      "ann",
      "|ann",
      "https://accounts.example|",
      // It would be nobody's.
      "https://accounts.example |42",
      "https://accounts.example| 42",
    ]
  ) {
    assert.match(refusal({ ADMIN_USERS: wrong }), /^ADMIN_USERS must be issuer\|subject/);
  }
});

Deno.test("parseConfig() on Deno Deploy takes the attached database, unless a path is set", () => {
  for (const on of [{ DENO_DEPLOY: "true" }, { DENO_DEPLOYMENT_ID: "abc123" }]) {
    assert.equal(parseConfig(on, "start").kvPath, undefined);
    assert.equal(parseConfig(on, "start").isDeployed, true);
    assert.equal(parseConfig({ ...on, KV_PATH: ":memory:" }, "start").kvPath, ":memory:");
  }
  assert.equal(parseConfig({ DENO_DEPLOYMENT_ID: "abc123" }, "start").deployment, "abc123");
});

Deno.test("parseConfig() takes what is set", () => {
  const token = "t".repeat(MIN_TOKEN_LENGTH);
  const config = parseConfig({
    PORT: "0",
    HOST: "events.example",
    KV_PATH: "https://kv.example/connect",
    ADMIN_TOKEN: token,
    OPEN_ENDED_HOURS: "6",
    LOG_LEVEL: "debug",
    RATE_LIMIT: "50",
    TRUSTED_PROXIES: "127.0.0.1, 10.0.0.0/8,2001:db8::/32",
    TIME_ZONE: "America/Sao_Paulo",
    SECURITY_CONTACT: "mailto:security@example.org",
    HOME: "/somewhere",
  }, "start");
  assert.deepEqual(config, {
    port: 0,
    host: "events.example",
    kvPath: "https://kv.example/connect",
    adminToken: token,
    openEndedMs: 6 * 3_600_000,
    logLevel: "debug",
    requestsPerMinute: 50,
    trustedProxies: ["127.0.0.1", "10.0.0.0/8", "2001:db8::/32"].map(parseIpRange),
    timeZone: "America/Sao_Paulo",
    securityContact: "mailto:security@example.org",
    deployment: null,
    redis: null,
    journalRetentionDays: 30,
    isDeployed: false,
    signUp: { rule: "invited" },
    adminUsers: new Set(),
    publicOrigin: null,
    signIn: { oidc: null, preset: null },
  });
});

Deno.test("parseConfig() counts an empty variable as unset", () => {
  const names = ["PORT", "HOST", "KV_PATH", "ADMIN_TOKEN", "OPEN_ENDED_HOURS", "LOG_LEVEL"];
  const empty = Object.fromEntries(
    [...names, "RATE_LIMIT", "TRUSTED_PROXIES", "TIME_ZONE", "SECURITY_CONTACT", "DENO_DEPLOY"].map(
      (
        name,
      ) => [name, ""],
    ),
  );
  assert.deepEqual(parseConfig(empty, "start"), parseConfig({}, "start"));
  assert.deepEqual(parseConfig({ PORT: undefined }, "start"), parseConfig({}, "start"));
});

const WRONG: [Environment, string][] = [
  [{ PORT: "http" }, 'PORT must be a port number, 0 to 65535, not "http".'],
  [{ PORT: "65536" }, 'PORT must be a port number, 0 to 65535, not "65536".'],
  [{ PORT: "-1" }, 'PORT must be a port number, 0 to 65535, not "-1".'],
  [{ PORT: "80.5" }, 'PORT must be a port number, 0 to 65535, not "80.5".'],
  [{ HOST: "http://x" }, 'HOST must be a host name or an IP address, not "http://x".'],
  [
    { KV_PATH: "redis://cache:6379" },
    'KV_PATH must be a file, :memory:, or an http(s):// KV Connect URL, not "redis://cache:6379".',
  ],
  [
    { KV_PATH: "https://" },
    'KV_PATH must be a file, :memory:, or an http(s):// KV Connect URL, not "https://".',
  ],
  [
    { OPEN_ENDED_HOURS: "0" },
    'OPEN_ENDED_HOURS must be a whole number of hours, 1 to 8760, not "0".',
  ],
  [
    { OPEN_ENDED_HOURS: "8761" },
    'OPEN_ENDED_HOURS must be a whole number of hours, 1 to 8760, not "8761".',
  ],
  ...["0", "100001", "on", "-1", "1.5"].map((text): [Environment, string] => [
    { RATE_LIMIT: text },
    `RATE_LIMIT must be a number of requests a minute, 1 to 100000, or "off", not "${text}".`,
  ]),
  ...["proxy", "10.0.0.0/33", "10.0.0.1,", "10.0.0.1 10.0.0.2", "*"].map((
    text,
  ): [Environment, string] => [
    { TRUSTED_PROXIES: text },
    "TRUSTED_PROXIES must be IP addresses and ranges such as 10.0.0.0/8, separated by commas, " +
    `not "${text}".`,
  ]),
  [{ LOG_LEVEL: "loud" }, 'LOG_LEVEL must be one of debug, info, warn, error, not "loud".'],
  ...["security@example.org", "http://example.org", "mailto:a b@example.org", "https://x\ny"].map((
    wrong,
  ): [Environment, string] => [
    { SECURITY_CONTACT: wrong },
    `SECURITY_CONTACT must be a mailto: or https: URL, not "${wrong}".`,
  ]),
  [
    { TIME_ZONE: "Middle/Earth" },
    'TIME_ZONE must be an IANA time zone such as Europe/London, not "Middle/Earth".',
  ],
  [
    { TIME_ZONE: "+05:00" },
    'TIME_ZONE must be an IANA time zone such as Europe/London, not "+05:00".',
  ],
];

Deno.test("parseConfig() names each wrong variable, what it must be and what it was", () => {
  for (const [environment, sentence] of WRONG) assert.equal(refusal(environment), sentence);
});

Deno.test("parseConfig() limits everybody to 6,000 requests a minute unless it is told otherwise", () => {
  const limit = (environment: Environment, mode: "dev" | "start") =>
    parseConfig(environment, mode).requestsPerMinute;
  for (const mode of ["dev", "start"] as const) {
    assert.equal(limit({}, mode), 6_000);
    assert.equal(limit({ RATE_LIMIT: "off" }, mode), null);
    assert.equal(limit({ RATE_LIMIT: "1" }, mode), 1);
    assert.equal(limit({ RATE_LIMIT: "100000" }, mode), 100_000);
  }
});

Deno.test("parseConfig() takes a port and hours at their bounds", () => {
  assert.equal(parseConfig({ PORT: "65535" }, "start").port, 65_535);
  assert.equal(parseConfig({ OPEN_ENDED_HOURS: "1" }, "start").openEndedMs, 3_600_000);
  assert.equal(parseConfig({ OPEN_ENDED_HOURS: "8760" }, "start").openEndedMs, 8_760 * 3_600_000);
});

const REDIS = {
  UPSTASH_REDIS_REST_URL: "https://some-name-12345.upstash.io",
  UPSTASH_REDIS_REST_TOKEN: "AX9sASQgN2E0",
};

Deno.test("parseConfig() takes Redis by address and token, and finds its channel", () => {
  const redisOf = (more: Environment) => parseConfig({ ...REDIS, ...more }, "start").redis;
  assert.deepEqual(redisOf({}), {
    url: "https://some-name-12345.upstash.io",
    token: "AX9sASQgN2E0",
    channel: "curtain:local:rt:changes",
  });
  assert.equal(redisOf({ DENO_TIMELINE: "production" })!.channel, "curtain:production:rt:changes");
  assert.equal(redisOf({ REDIS_NAMESPACE: "a:b" })!.channel, "a:b:rt:changes");
  const both = { REDIS_NAMESPACE: "mine", DENO_TIMELINE: "production" };
  assert.equal(redisOf(both)!.channel, "mine:rt:changes");
  for (
    const url of ["http://127.0.0.1:8079", "https://redis.example/prefix", "HTTPS://x.example"]
  ) {
    assert.equal(redisOf({ UPSTASH_REDIS_REST_URL: url })!.url, url);
    assert.equal(redisOf({ UPSTASH_REDIS_REST_URL: `${url}//` })!.url, url);
  }
});

Deno.test("parseConfig() goes without Redis when neither is set, and takes no half of it", () => {
  assert.equal(parseConfig({ REDIS_NAMESPACE: "a", DENO_TIMELINE: "b" }, "start").redis, null);
  const { UPSTASH_REDIS_REST_URL, UPSTASH_REDIS_REST_TOKEN } = REDIS;
  assert.equal(
    refusal({ UPSTASH_REDIS_REST_URL }),
    "UPSTASH_REDIS_REST_TOKEN must be set where the other one is: they go together.",
  );
  assert.equal(
    refusal({ UPSTASH_REDIS_REST_TOKEN, UPSTASH_REDIS_REST_URL: "" }),
    "UPSTASH_REDIS_REST_URL must be set where the other one is: they go together.",
  );
});

Deno.test("parseConfig() refuses what is no REST interface, and repeats no secret of Redis", () => {
  const secret = "hunter2hunter2";
  const addresses = [
    `rediss://default:${secret}@some-name.upstash.io:6379`,
    `https://default:${secret}@some-name.upstash.io`,
    `https://${secret}@some-name.upstash.io`,
    `https://x.example/?token=${secret}`,
    `https://x.example#${secret}`,
    `https://`,
    "some-name.upstash.io",
    "https://x y",
  ];
  for (const url of addresses) {
    const sentence = refusal({ ...REDIS, UPSTASH_REDIS_REST_URL: url });
    assert.equal(
      sentence,
      "UPSTASH_REDIS_REST_URL must be the https:// address of a database's REST interface.",
    );
  }
  for (const token of [`${secret} `, `${secret}\n`, `${secret}é`]) {
    assert.equal(
      refusal({ ...REDIS, UPSTASH_REDIS_REST_TOKEN: token }),
      "UPSTASH_REDIS_REST_TOKEN must be the token of its REST interface.",
    );
  }
  for (const namespace of ["a/b", "a b", "ä", "a,b", "x".repeat(101), "a?b"]) {
    assert.match(
      refusal({ ...REDIS, REDIS_NAMESPACE: namespace }),
      /^REDIS_NAMESPACE must be 1 to/,
    );
  }
});

Deno.test("parseConfig() keeps the journal as many days as it is told to", () => {
  const days = (text: string) =>
    parseConfig({ JOURNAL_RETENTION_DAYS: text }, "start").journalRetentionDays;
  assert.deepEqual(["", "1", "3650"].map(days), [30, 1, 3_650]);
  for (const text of ["0", "3651", "-1", "1.5", "a month"]) {
    assert.equal(
      refusal({ JOURNAL_RETENTION_DAYS: text }),
      `JOURNAL_RETENTION_DAYS must be a whole number of days, 1 to 3650, not "${text}".`,
    );
  }
});

Deno.test("parseConfig() takes a public origin: https, or http of this machine, without a path", () => {
  const originOf = (text: string) => parseConfig({ PUBLIC_ORIGIN: text }, "start").publicOrigin;
  for (
    const [text, origin] of [
      ["https://events.example", "https://events.example"],
      ["https://events.example/", "https://events.example"],
      ["HTTPS://Events.Example:8443", "https://events.example:8443"],
      ["https://events.example:443", "https://events.example"],
      ["http://localhost:8000", "http://localhost:8000"],
      ["http://127.0.0.2:8000", "http://127.0.0.2:8000"],
      ["http://[::1]:8000", "http://[::1]:8000"],
    ] as const
  ) assert.equal(originOf(text), origin);
  const wrong = [
    "http://events.example",
    "http://10.0.0.1",
    "http://localhost.example",
    "events.example",
  ];
  wrong.push("https://events.example/path", "https://events.example?x", "https://events.example#x");
  wrong.push(
    "https://hunter2@events.example",
    "ftp://localhost",
    "https://",
    "https:\\\\x",
    "https://a b",
    "https://*.example",
    "https://events.example,other.example",
  );
  for (const text of wrong) {
    assert.equal(
      refusal({ PUBLIC_ORIGIN: text }),
      "PUBLIC_ORIGIN must be the https:// origin at which people reach it, without a path " +
        "(http:// on loopback).",
    );
  }
});

const OIDC = { OIDC_ISSUER: "https://id.example/tenant", OIDC_CLIENT_ID: "curtain" };
const PUBLIC = { PUBLIC_ORIGIN: "https://events.example" };

Deno.test("parseConfig() takes an OpenID provider, with a secret or without", () => {
  const oidcOf = (more: Environment) =>
    parseConfig({ ...OIDC, ...PUBLIC, ...more }, "start").signIn.oidc;
  const oidc = { issuer: "https://id.example/tenant", clientId: "curtain" };
  assert.deepEqual(oidcOf({}), { ...oidc, clientSecret: null });
  assert.deepEqual(oidcOf({ OIDC_CLIENT_SECRET: " s é" }), { ...oidc, clientSecret: " s é" });
  assert.equal(oidcOf({ OIDC_ISSUER: "http://127.0.0.1:9000" })!.issuer, "http://127.0.0.1:9000");
  assert.equal(parseConfig({ OIDC_ISSUER: "", OIDC_CLIENT_ID: "" }, "start").signIn.oidc, null);
});

Deno.test("parseConfig() takes no half of an OpenID provider, nor one over open networks", () => {
  const { OIDC_ISSUER, OIDC_CLIENT_ID } = OIDC;
  for (const half of [{ OIDC_ISSUER }, { OIDC_CLIENT_ID }, { OIDC_CLIENT_SECRET: "hunter2" }]) {
    assert.equal(
      refusal({ ...PUBLIC, ...half }),
      "OIDC_ISSUER and OIDC_CLIENT_ID must be set together, also where OIDC_CLIENT_SECRET is set.",
    );
  }
  for (
    const issuer of [
      "http://id.example",
      "id.example",
      "https://hunter2@id.example",
      "https://id.example?x=hunter2",
      "https://id.example#x",
      "https://id example",
      "file:///etc",
    ]
  ) {
    assert.equal(
      refusal({ ...OIDC, ...PUBLIC, OIDC_ISSUER: issuer }),
      "OIDC_ISSUER must be the https:// address of an OpenID provider (http:// on loopback).",
    );
  }
});

Deno.test("parseConfig() asks for all that a preset needs, and repeats no secret of it", () => {
  const GITHUB = {
    SIGN_IN_PROVIDER: "github",
    GITHUB_CLIENT_ID: "id",
    GITHUB_CLIENT_SECRET: "hunter2",
  };
  assert.equal(parseConfig({ ...GITHUB, ...PUBLIC }, "start").signIn.preset, "github");
  assert.equal(
    refusal({ ...GITHUB, ...PUBLIC, GITHUB_CLIENT_ID: "" }),
    'GITHUB_CLIENT_ID must be set for SIGN_IN_PROVIDER "github".',
  );
  assert.equal(
    refusal({ ...PUBLIC, SIGN_IN_PROVIDER: "azure_adb2c", AZURE_ADB2C_CLIENT_SECRET: "hunter2" }),
    "AZURE_ADB2C_DOMAIN, AZURE_ADB2C_TENANT_ID, AZURE_ADB2C_POLICY, AZURE_ADB2C_CLIENT_ID must be " +
      'set for SIGN_IN_PROVIDER "azure_adb2c".',
  );
  for (const name of ["clerk", "GitHub", "toString", "oidc"]) {
    assert.match(
      refusal({ ...PUBLIC, SIGN_IN_PROVIDER: name }),
      new RegExp(`^SIGN_IN_PROVIDER must be one of auth0, .*, twitter, not "${name}"\\.$`),
    );
  }
});

Deno.test("parseConfig() wants to know the public origin where people sign in, but for loopback", () => {
  const sentence = "PUBLIC_ORIGIN must be set where people sign in, unless HOST is loopback.";
  const GOOGLE = { SIGN_IN_PROVIDER: "google", GOOGLE_CLIENT_ID: "id", GOOGLE_CLIENT_SECRET: "s" };
  for (const provider of [OIDC, GOOGLE]) {
    for (const HOST of ["", "0.0.0.0", "::", "10.0.0.1", "events.example"]) {
      assert.equal(refusal({ ...provider, HOST }), sentence);
      parseConfig({ ...provider, HOST, ...PUBLIC }, "start");
    }
    for (const HOST of ["127.0.0.1", "::1", "localhost"]) {
      assert.equal(parseConfig({ ...provider, HOST }, "start").publicOrigin, null);
    }
    assert.equal(parseConfig(provider, "dev").publicOrigin, null);
  }
});

Deno.test("parseConfig() names all that is wrong, one to a line", () => {
  const lines = refusal({ PORT: "http", LOG_LEVEL: "loud" }).split("\n");
  assert.deepEqual(lines.map((line) => line.split(" ")[0]), ["PORT", "LOG_LEVEL"]);
});

Deno.test("parseConfig() refuses a token that is short or not plain, and never repeats it", () => {
  const sentence = "ADMIN_TOKEN must be at least 32 visible ASCII characters without blanks.";
  const short = "s".repeat(MIN_TOKEN_LENGTH - 1);
  for (const token of [short, `${short} ${short}`, `${short}é${short}`, `${short}\n${short}`]) {
    assert.equal(refusal({ ADMIN_TOKEN: token }), sentence);
    assert.ok(!refusal({ ADMIN_TOKEN: token, PORT: "http" }).includes(short));
  }
});
