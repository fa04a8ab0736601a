/** Each provider's answer, as its documents show it, becomes the right profile. */
import assert from "node:assert/strict";
import type { SignInPreset } from "../../lifecycle/sign_in_presets.ts";
import { type AskProvider, PROFILE_SOURCES } from "../../routes/sign_in/kv_oauth_profiles.ts";
import type { Profile } from "../../lifecycle/sign_up.ts";

interface Case {
  /** The preset's authorization endpoint. */
  at: string;
  answers: Record<string, unknown>;
  profile: Profile;
}

const OPENID = { sub: "s-1", name: "Ann Lee", email: "ann@example.org", email_verified: true };

function openId(at: string, issuer: string, userinfo: string): Case {
  const { sub: subject, name, email } = OPENID;
  const profile = { issuer, subject, name, email, emailVerified: true };
  return { at, answers: { [userinfo]: OPENID }, profile };
}

const ANN = { name: "Ann Lee", email: "ann@example.org" };

const CASES: Record<SignInPreset, Case> = {
  auth0: openId(
    "https://t.eu.auth0.com/oauth2/authorize",
    "https://t.eu.auth0.com/",
    "https://t.eu.auth0.com/userinfo",
  ),
  aws_cognito: {
    at: "https://t.auth.eu-west-1.amazoncognito.com/oauth2/authorize",
    answers: {
      "https://t.auth.eu-west-1.amazoncognito.com/oauth2/userInfo": {
        ...OPENID,
        email_verified: "true",
      },
    },
    profile: {
      issuer: "https://t.auth.eu-west-1.amazoncognito.com",
      subject: "s-1",
      ...ANN,
      emailVerified: true,
    },
  },
  azure_ad: {
    at: "https://login.microsoftonline.com/0a1b/oauth2/v2.0/authorize",
    answers: {
      "https://graph.microsoft.com/oidc/userinfo": { sub: "s-1", ...ANN, picture: "https://x" },
    },
    profile: {
      issuer: "https://login.microsoftonline.com/0a1b/v2.0",
      subject: "s-1",
      ...ANN,
      emailVerified: false,
    },
  },
  azure_adb2c: openId(
    "https://t.b2clogin.com/0a1b/b2c_1_sign_in/oauth2/v2.0/authorize",
    "https://t.b2clogin.com/0a1b/b2c_1_sign_in/v2.0",
    "https://t.b2clogin.com/0a1b/b2c_1_sign_in/openid/v2.0/userinfo",
  ),
  discord: {
    at: "https://discord.com/oauth2/authorize",
    answers: {
      "https://discord.com/api/users/@me": {
        id: "80351110224678912",
        username: "ann",
        global_name: "Ann Lee",
        email: "ann@example.org",
        verified: true,
      },
    },
    profile: {
      issuer: "https://discord.com",
      subject: "80351110224678912",
      ...ANN,
      emailVerified: true,
    },
  },
  dropbox: {
    at: "https://www.dropbox.com/oauth2/authorize",
    answers: {
      "POST https://api.dropboxapi.com/2/users/get_current_account": {
        account_id: "dbid:AAH4",
        name: { given_name: "Ann", display_name: "Ann Lee" },
        email: "ann@example.org",
        email_verified: true,
      },
    },
    profile: {
      issuer: "https://www.dropbox.com",
      subject: "dbid:AAH4",
      ...ANN,
      emailVerified: true,
    },
  },
  facebook: {
    at: "https://www.facebook.com/v17.0/dialog/oauth",
    answers: { "https://graph.facebook.com/me?fields=id,name,email": { id: "10", ...ANN } },
    profile: {
      issuer: "https://www.facebook.com",
      subject: "10",
      ...ANN,
      emailVerified: false,
    },
  },
  github: {
    at: "https://github.com/login/oauth/authorize",
    answers: {
      "https://api.github.com/user": { id: 583231, login: "ann", name: "Ann Lee", email: "x@y.z" },
      "https://api.github.com/user/emails": [
        { email: "old@example.org", primary: false, verified: true },
        { email: "ann@example.org", primary: true, verified: true },
      ],
    },
    profile: { issuer: "https://github.com", subject: "583231", ...ANN, emailVerified: true },
  },
  gitlab: openId(
    "https://gitlab.com/oauth/authorize",
    "https://gitlab.com",
    "https://gitlab.com/oauth/userinfo",
  ),
  google: openId(
    "https://accounts.google.com/o/oauth2/v2/auth",
    "https://accounts.google.com",
    "https://openidconnect.googleapis.com/v1/userinfo",
  ),
  logto: openId(
    "https://t.logto.app/oidc/auth",
    "https://t.logto.app/oidc",
    "https://t.logto.app/oidc/me",
  ),
  notion: {
    at: "https://api.notion.com/v1/oauth/authorize?owner=user",
    answers: {
      "https://api.notion.com/v1/users/me": {
        object: "user",
        id: "the-bot",
        name: "Curtain",
        type: "bot",
        bot: {
          owner: {
            type: "user",
            user: { id: "the-person", name: "Ann Lee", person: { email: "ann@example.org" } },
          },
        },
      },
    },
    profile: {
      issuer: "https://api.notion.com",
      subject: "the-person",
      ...ANN,
      emailVerified: false,
    },
  },
  okta: openId(
    "https://t.okta.com/oauth2/v1/authorize",
    "https://t.okta.com",
    "https://t.okta.com/oauth2/v1/userinfo",
  ),
  patreon: {
    at: "https://www.patreon.com/oauth2/authorize",
    answers: {
      "https://www.patreon.com/api/oauth2/v2/identity?fields%5Buser%5D=full_name%2Cemail%2Cis_email_verified":
        {
          data: {
            id: "12",
            type: "user",
            attributes: { full_name: "Ann Lee", email: "ann@example.org", is_email_verified: true },
          },
        },
    },
    profile: { issuer: "https://www.patreon.com", subject: "12", ...ANN, emailVerified: true },
  },
  slack: openId(
    "https://slack.com/oauth/v2/authorize",
    "https://slack.com",
    "https://slack.com/api/openid.connect.userInfo",
  ),
  spotify: {
    at: "https://accounts.spotify.com/authorize",
    answers: {
      "https://api.spotify.com/v1/me": {
        id: "ann",
        display_name: "Ann Lee",
        email: "ann@example.org",
      },
    },
    profile: {
      issuer: "https://accounts.spotify.com",
      subject: "ann",
      ...ANN,
      emailVerified: false,
    },
  },
  twitter: {
    at: "https://twitter.com/i/oauth2/authorize",
    answers: {
      "https://api.twitter.com/2/users/me": {
        data: { id: "2244994945", name: "Ann Lee", username: "ann" },
      },
    },
    profile: {
      issuer: "https://twitter.com",
      subject: "2244994945",
      name: "Ann Lee",
      emailVerified: false,
    },
  },
};

function profileFrom(preset: SignInPreset, answers: Record<string, unknown>): Promise<Profile> {
  const source = PROFILE_SOURCES[preset];
  const at = new URL(CASES[preset].at);
  const ask: AskProvider = (url, { method = "GET" } = {}) => {
    const name = method === "GET" ? url : `${method} ${url}`;
    assert.ok(name in answers, `${name} was asked for`);
    return Promise.resolve(answers[name]);
  };
  return source.profile(ask, { at, issuer: source.issuer(at) });
}

for (const [preset, { answers, profile }] of Object.entries(CASES) as [SignInPreset, Case][]) {
  Deno.test(`who signs in with ${preset} is the one that it names`, async () => {
    assert.deepEqual(await profileFrom(preset, answers), profile);
  });

  Deno.test(`an answer of ${preset} that names nobody is its failure`, async () => {
    for (const nothing of [null, [], "x", 7, {}, { data: null, bot: { owner: {} }, name: 1 }]) {
      const empty = Object.fromEntries(Object.keys(answers).map((url) => [url, nothing]));
      await assert.rejects(profileFrom(preset, empty), { code: "sign_in_provider_failed" });
    }
  });
}

Deno.test("GitHub's main address is that of the profile, verified or not, and no other", async () => {
  const { answers } = CASES.github;
  const withEmails = (emails: unknown) =>
    profileFrom("github", { ...answers, "https://api.github.com/user/emails": emails });
  const unverified = await withEmails([
    { email: "a@example.org", primary: true, verified: false },
    { email: "b@example.org", primary: false, verified: true },
  ]);
  assert.deepEqual([unverified.email, unverified.emailVerified], ["a@example.org", false]);
  for (const none of [[], null, {}, [{ email: "b@example.org", verified: true }], [7]]) {
    const { email, emailVerified } = await withEmails(none);
    assert.deepEqual([email, emailVerified], [undefined, false]);
  }
});
