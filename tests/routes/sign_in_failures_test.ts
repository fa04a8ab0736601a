/** Sign-ins that must not succeed: each says why, tells nothing secret, and harms no other one. */
import assert from "node:assert/strict";
import { CookieJar } from "../support/cookie_jar.ts";
import { MINUTE } from "../support/fixture.ts";
import { ALICE, type OpenIdSwitches } from "../support/openid_provider.ts";
import {
  begin,
  end,
  ORIGIN,
  refusal,
  type SignInSite,
  signInSite,
} from "../support/sign_in_site.ts";

/** A sign-in as far as the callback's address. */
async function atTheCallback(t: SignInSite, what: { account?: string; cancel?: boolean } = {}) {
  const { location, jar } = await begin(t.signIn);
  const back = new URL(await t.provider.visit(location.href, what));
  const { searchParams } = location;
  const secrets = [searchParams.get("nonce")!, searchParams.get("state")!];
  const code = back.searchParams.get("code");
  if (code !== null) secrets.push(code);
  return { back, jar, secrets };
}

const failed = (reason: string) => ({ code: "sign_in_failed", reason }) as const;
const PROVIDER_FAILED = { code: "sign_in_provider_failed" } as const;

Deno.test("a cancelled sign-in says so, in our words", async () => {
  await using t = await signInSite();
  const { back, jar, secrets } = await atTheCallback(t, { cancel: true });
  assert.equal(back.searchParams.get("error"), "access_denied");
  const { detail } = await refusal(t, end(t.signIn, back.href, jar), {
    ...failed("denied"),
    secrets: [...secrets, "changed their mind", "<b>"],
  });
  assert.match(detail, /cancelled/);
});

Deno.test("an error of the provider at its own end is its failure", async () => {
  await using t = await signInSite();
  for (const error of ["server_error", "temporarily_unavailable", "<script>", ""]) {
    const { back, jar } = await atTheCallback(t);
    back.searchParams.set("error", error);
    await refusal(t, end(t.signIn, back.href, jar), PROVIDER_FAILED);
  }
});

Deno.test("a callback that comes again is refused, with and without the cookie", async () => {
  await using t = await signInSite();
  const { back, jar, secrets } = await atTheCallback(t);
  const { cookie } = jar.headers();
  await end(t.signIn, back.href, jar);
  const again = t.signIn.finish(new Request(back, { headers: { cookie: cookie! } }));
  await refusal(t, again, { ...failed("replayed"), secrets });
  await refusal(t, end(t.signIn, back.href, jar), { ...failed("replayed"), secrets });
});

Deno.test("of many callbacks of one sign-in at once a single one is let in", async () => {
  await using t = await signInSite();
  const { back, jar } = await atTheCallback(t);
  const all = Array.from(
    { length: 8 },
    () => t.signIn.finish(new Request(back, { headers: jar.headers() })),
  );
  const endings = await Promise.allSettled(all);
  assert.equal(endings.filter(({ status }) => status === "fulfilled").length, 1);
  for (const ending of endings) {
    if (ending.status === "rejected") {
      await refusal(t, Promise.reject(ending.reason), failed("replayed"));
    }
  }
});

Deno.test("a sign-in whose commit was made, though its answer was lost, succeeds", async () => {
  await using t = await signInSite();
  const { back, jar } = await atTheCallback(t);
  t.store.faults.commit = async (send) => {
    await send();
    return { ok: false };
  };
  assert.equal((await end(t.signIn, back.href, jar)).profile.subject, ALICE);
});

Deno.test("another browser cannot finish a sign-in", async () => {
  await using t = await signInSite();
  const { back, secrets } = await atTheCallback(t);
  await refusal(t, end(t.signIn, back.href, new CookieJar()), {
    ...failed("other_browser"),
    secrets,
  });
  const theirs = await begin(t.signIn);
  await refusal(t, end(t.signIn, back.href, theirs.jar), { ...failed("other_browser"), secrets });
});

Deno.test("nobody is signed in by a cookie that is not exactly the one of this sign-in", async () => {
  await using t = await signInSite();
  await using elsewhere = await signInSite();
  const { back, jar } = await atTheCallback(t);
  const [name, value] = jar.headers().cookie!.split("=") as [string, string];
  const valueOf = async (s: SignInSite) =>
    (await begin(s.signIn)).jar.headers().cookie!.split("=")[1]!;
  const middle = value[50] === "A" ? "B" : "A";
  const wrong = [
    "",
    "x",
    value.slice(1),
    value.slice(0, -4),
    value.slice(0, 50) + middle + value.slice(51),
    await valueOf(t),
    await valueOf(elsewhere),
  ];
  for (const text of wrong) {
    const request = new Request(back, { headers: { cookie: `${name}=${text}` } });
    await refusal(t, t.signIn.finish(request), { ...failed("not_genuine"), secrets: [value] });
  }
  assert.equal(
    (await end(t.signIn, back.href, jar)).profile.subject,
    ALICE,
    "the true one still is",
  );
});

Deno.test("cookies of others, however malformed or many, do not disturb a sign-in", async () => {
  await using t = await signInSite();
  const { back, jar } = await atTheCallback(t);
  const junk = `a=b=c; ; =; =x; "; é; %; sign-in-=1; ${"x".repeat(8_000)}=y`;
  const cookie = `${junk}; ${jar.headers().cookie} ; z`;
  const request = { url: back.href, headers: new Headers() } as Request;
  request.headers.get = () => cookie;
  assert.equal((await t.signIn.finish(request)).profile.subject, ALICE);
});

Deno.test("a sign-in ends after ten minutes, to the millisecond", async () => {
  await using t = await signInSite();
  const late = await atTheCallback(t);
  const inTime = await atTheCallback(t);
  t.clock.now += 10 * MINUTE - 1;
  await end(t.signIn, inTime.back.href, inTime.jar);
  t.clock.now += 1;
  await refusal(t, end(t.signIn, late.back.href, late.jar), failed("expired"));
});

Deno.test("an answer with another provider's iss, or none, is not believed", async () => {
  await using t = await signInSite();
  for (const iss of ["https://evil.example", "", t.provider.issuer + "/", null]) {
    t.provider.switches.iss = iss;
    const { back, jar, secrets } = await atTheCallback(t);
    assert.equal(back.searchParams.get("iss"), iss);
    await refusal(t, end(t.signIn, back.href, jar), { ...failed("not_genuine"), secrets });
  }
  assert.ok(!t.provider.asked.includes("/token"), "and its code is not redeemed");
});

Deno.test("an id_token with another sign-in's nonce is not believed", async () => {
  await using t = await signInSite();
  t.provider.switches.nonce = "of-another-sign-in";
  const { back, jar, secrets } = await atTheCallback(t);
  await refusal(t, end(t.signIn, back.href, jar), { ...failed("not_genuine"), secrets });
});

Deno.test("a callback without exactly one state belongs to no sign-in", async () => {
  await using t = await signInSite();
  const { back, jar } = await atTheCallback(t);
  const state = back.searchParams.get("state")!;
  const changed = (states: string[]) => {
    const url = new URL(back);
    url.searchParams.delete("state");
    for (const state of states) url.searchParams.append("state", state);
    return url.href;
  };
  for (
    const states of [[], [state, state], [state, "x"], [`${state.slice(0, 8)}${"A".repeat(35)}`]]
  ) {
    await refusal(t, end(t.signIn, changed(states), jar), failed("not_genuine"));
  }
  for (const none of ["", "x", state.slice(1), "\u0000;=", "雪".repeat(5_000)]) {
    await refusal(t, end(t.signIn, changed([none]), jar), failed("other_browser"));
  }
  for (const more of ["code", "iss"]) {
    const { back, jar } = await atTheCallback(t);
    back.searchParams.append(more, "x");
    await refusal(t, end(t.signIn, back.href, jar), failed("not_genuine"));
  }
});

Deno.test("a code that the provider does not know signs nobody in", async () => {
  await using t = await signInSite();
  const { back, jar } = await atTheCallback(t);
  back.searchParams.set("code", "made-up");
  await refusal(t, end(t.signIn, back.href, jar), {
    ...failed("not_genuine"),
    secrets: ["made-up"],
  });
});

Deno.test("a code of another sign-in signs nobody in: its verifier is not ours", async () => {
  await using t = await signInSite();
  const victim = await atTheCallback(t);
  const attacker = await atTheCallback(t, { account: "bob" });
  victim.back.searchParams.set("code", attacker.back.searchParams.get("code")!);
  await refusal(t, end(t.signIn, victim.back.href, victim.jar), failed("not_genuine"));
});

Deno.test("a wrong client secret is a failure that the log explains, without the secret", async () => {
  await using t = await signInSite({ clientSecret: "not the right one" });
  const { back, jar, secrets } = await atTheCallback(t);
  await refusal(t, end(t.signIn, back.href, jar), {
    ...PROVIDER_FAILED,
    secrets: [...secrets, "not the right one", btoa("not the right one")],
  });
  assert.match(t.logged.join("\n"), /"step":"tokens"/);
});

type Answer = NonNullable<OpenIdSwitches["instead"]>;

/** Ways of a provider to fail at a path. */
const WAYS: Record<string, (path: string) => Answer> = {
  "answers 500": (at) => (path, response) => path === at && !!response.writeHead(500).end("down"),
  "breaks the connection": (at) => (path, response) => path === at && !!response.destroy(),
  "answers a page": (at) => (path, response) =>
    path === at && !!response.writeHead(200, { "content-type": "text/html" }).end("<p>Hello"),
  "answers nonsense": (at) => (path, response) =>
    path === at && !!response.writeHead(200, { "content-type": "application/json" }).end("[null"),
  "answers an empty object": (at) => (path, response) =>
    path === at && !!response.writeHead(200, { "content-type": "application/json" }).end("{}"),
  "sends elsewhere": (at) => (path, response) =>
    path === at && !!response.writeHead(302, { location: "/elsewhere" }).end(),
  "never answers": (at) => (path) => path === at,
  "never ends its answer": (at) => (path, response) =>
    path === at && response.writeHead(200, { "content-type": "application/json" }).write("{"),
};

for (const [way, fail] of Object.entries(WAYS)) {
  Deno.test(`a provider that ${way} is a failure at each step, and the next sign-in succeeds`, async () => {
    await using t = await signInSite();
    const { switches } = t.provider;
    // Once the step before has begun, so that the short deadline is that of the failing one.
    const failAt = (path: string, { after }: { after?: string } = {}) => {
      const shorten = () => t.deadline.ms = way.startsWith("never") ? 50 : t.deadline.ms;
      if (after === undefined) shorten();
      switches.instead = (asked, response) => {
        if (asked === after) shorten();
        return fail(path)(asked, response);
      };
    };
    const mend = () => {
      t.deadline.ms = 60_000;
      delete switches.instead;
    };

    failAt("/.well-known/openid-configuration");
    await refusal(t, t.signIn.start("/"), PROVIDER_FAILED);
    mend();

    for (const [path, options] of [["/token"], ["/me", { after: "/token" }]] as const) {
      const { back, jar, secrets } = await atTheCallback(t);
      failAt(path, options);
      await refusal(t, end(t.signIn, back.href, jar), { ...PROVIDER_FAILED, secrets });
      mend();
    }

    const { back, jar } = await atTheCallback(t);
    assert.equal((await end(t.signIn, back.href, jar)).profile.subject, ALICE);
  });
}

Deno.test("a provider that is not there at all is a failure", async () => {
  await using t = await signInSite({ issuer: "http://127.0.0.1:1" });
  await refusal(t, t.signIn.start("/"), PROVIDER_FAILED);
});

Deno.test("a configuration of another issuer, or one that leads over open networks, is refused", async () => {
  await using t = await signInSite();
  const { issuer } = t.provider;
  const base = {
    issuer,
    authorization_endpoint: `${issuer}/auth`,
    token_endpoint: `${issuer}/token`,
  };
  const wrong = [
    { ...base, issuer: "https://evil.example" },
    { ...base, authorization_endpoint: "http://evil.example/auth" },
    { ...base, authorization_endpoint: "javascript:alert(1)" },
    { ...base, authorization_endpoint: "/auth" },
    { issuer },
  ];
  for (const configuration of wrong) {
    t.provider.switches.instead = (_, response) =>
      !!response.writeHead(200, { "content-type": "application/json" })
        .end(JSON.stringify(configuration));
    await refusal(t, t.signIn.start("/"), PROVIDER_FAILED);
  }
});

Deno.test("a profile of somebody else than the id_token's is refused", async () => {
  await using t = await signInSite();
  const { back, jar } = await atTheCallback(t);
  t.provider.switches.instead = (path, response) =>
    path === "/me" &&
    !!response.writeHead(200, { "content-type": "application/json" })
      .end(JSON.stringify({ sub: "mallory", name: "Mallory" }));
  await refusal(t, end(t.signIn, back.href, jar), PROVIDER_FAILED);
});

Deno.test("a store that does not answer ends a sign-in as it ends any request", async () => {
  await using t = await signInSite();
  const { back, jar } = await atTheCallback(t);
  t.store.faults.commit = () => Promise.reject(new Error("a bug"));
  await assert.rejects(end(t.signIn, back.href, jar), /a bug/);
  assert.ok(!t.provider.asked.includes("/token"), "and before its code is redeemed");
  assert.equal(back.origin, ORIGIN);
});
