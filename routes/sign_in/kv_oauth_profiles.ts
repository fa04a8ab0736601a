/**
 * What each provider of `SIGN_IN_PROVIDER` is asked for, and how its answer becomes a profile: the
 * part of a sign-in that kv-oauth leaves to us. The presets were not tried at the services themselves.
 */
import type { SignInPreset } from "../../lifecycle/sign_in_presets.ts";
import { type Claims, type ProfileFields, profileOf, profileOfClaims } from "./profile.ts";
import type { Profile } from "../../lifecycle/sign_up.ts";

/** Asks the provider with the person's access token; the answer's JSON. */
export type AskProvider = (
  url: string,
  options?: { method?: "GET" | "POST"; headers?: Record<string, string> },
) => Promise<unknown>;

export interface ProfileSource {
  scope: string;
  /**
   * The provider's name for itself, by which users are known; `at` is the preset's authorization
   * endpoint, which names the domain or the tenant.
   */
  issuer: (at: URL) => string;
  profile: (ask: AskProvider, about: { at: URL; issuer: string }) => Promise<Profile>;
  /** Where the preset's own endpoints are none that tell who signs in. */
  endpoints?: (at: URL) => { authorizationEndpointUri: string; tokenUri: string };
  /** More parameters of the authorization request. */
  urlParams?: Record<string, string>;
}

const OPENID_SCOPE = "openid profile email";

/** A provider with a userinfo endpoint (OpenID Connect Core section 5.3). */
export function openIdSource(
  issuer: string | ((at: URL) => string),
  userinfo: string | ((at: URL) => string),
): ProfileSource {
  const placed = (where: string | ((at: URL) => string), at: URL) =>
    typeof where === "string" ? where : where(at);
  return {
    scope: OPENID_SCOPE,
    issuer: (at) => placed(issuer, at),
    profile: async (ask, { at, issuer }) =>
      profileOfClaims(issuer, claims(await ask(placed(userinfo, at)))),
  };
}

/** A provider with an answer of its own. */
function ownSource(
  issuer: string,
  { scope, url, of, ...options }: {
    scope: string;
    url: string;
    of: (answer: Claims) => Omit<ProfileFields, "issuer">;
    method?: "POST";
    headers?: Record<string, string>;
  },
): ProfileSource {
  return {
    scope,
    issuer: () => issuer,
    profile: async (ask) => profileOf({ issuer, ...of(claims(await ask(url, options))) }),
  };
}

export const PROFILE_SOURCES: Readonly<Record<SignInPreset, ProfileSource>> = {
  // The preset's paths are those of another product; these are of Auth0's own discovery document.
  auth0: {
    ...openIdSource(({ origin }) => `${origin}/`, ({ origin }) => `${origin}/userinfo`),
    endpoints: ({ origin }) => ({
      authorizationEndpointUri: `${origin}/authorize`,
      tokenUri: `${origin}/oauth/token`,
    }),
  },
  aws_cognito: openIdSource(({ origin }) => origin, ({ origin }) => `${origin}/oauth2/userInfo`),
  azure_ad: openIdSource(
    ({ origin, pathname }) => `${origin}/${pathname.split("/")[1]}/v2.0`,
    "https://graph.microsoft.com/oidc/userinfo",
  ),
  azure_adb2c: openIdSource(
    ({ origin, pathname }) => origin + pathname.replace(/\/oauth2\/v2\.0\/authorize$/, "/v2.0"),
    ({ origin, pathname }) =>
      origin + pathname.replace(/\/oauth2\/v2\.0\/authorize$/, "/openid/v2.0/userinfo"),
  ),
  discord: ownSource("https://discord.com", {
    scope: "identify email",
    url: "https://discord.com/api/users/@me",
    of: ({ id, global_name, username, email, verified }) => ({
      subject: id,
      name: global_name ?? username,
      email,
      emailVerified: verified,
    }),
  }),
  dropbox: ownSource("https://www.dropbox.com", {
    scope: "account_info.read",
    url: "https://api.dropboxapi.com/2/users/get_current_account",
    method: "POST",
    of: ({ account_id, name, email, email_verified }) => ({
      subject: account_id,
      name: claims(name).display_name,
      email,
      emailVerified: email_verified,
    }),
  }),
  facebook: ownSource("https://www.facebook.com", {
    scope: "public_profile email",
    url: "https://graph.facebook.com/me?fields=id,name,email",
    of: ({ id, name, email }) => ({ subject: id, name, email }),
  }),
  github: {
    scope: "read:user user:email",
    issuer: () => "https://github.com",
    async profile(ask, { issuer }) {
      const { id, name, login } = claims(await ask("https://api.github.com/user"));
      const answer = await ask("https://api.github.com/user/emails");
      // The address of the public profile says neither that it is the main one nor that it is theirs.
      const emails = Array.isArray(answer) ? answer.map(claims) : [];
      const main = emails.find(({ primary }) => primary === true) ?? {};
      const { email, verified: emailVerified } = main;
      return profileOf({ issuer, subject: id, name: name ?? login, email, emailVerified });
    },
  },
  gitlab: openIdSource("https://gitlab.com", "https://gitlab.com/oauth/userinfo"),
  google: openIdSource(
    "https://accounts.google.com",
    "https://openidconnect.googleapis.com/v1/userinfo",
  ),
  logto: openIdSource(
    ({ origin, pathname }) => origin + pathname.replace(/\/auth$/, ""),
    ({ origin, pathname }) => origin + pathname.replace(/\/auth$/, "/me"),
  ),
  notion: {
    ...ownSource("https://api.notion.com", {
      scope: "",
      url: "https://api.notion.com/v1/users/me",
      headers: { "notion-version": "2022-06-28" },
      // The token is a bot's; whose bot it is, is who signed in.
      of: ({ bot }) => {
        const user = claims(claims(claims(bot).owner).user);
        return { subject: user.id, name: user.name, email: claims(user.person).email };
      },
    }),
    // kv-oauth loses the parameter that the preset's address has for that.
    urlParams: { owner: "user" },
  },
  okta: openIdSource(({ origin }) => origin, ({ origin }) => `${origin}/oauth2/v1/userinfo`),
  patreon: ownSource("https://www.patreon.com", {
    scope: "identity identity[email]",
    url: "https://www.patreon.com/api/oauth2/v2/identity?" +
      new URLSearchParams({ "fields[user]": "full_name,email,is_email_verified" }),
    of: ({ data }) => {
      const { full_name, email, is_email_verified } = claims(claims(data).attributes);
      return {
        subject: claims(data).id,
        name: full_name,
        email,
        emailVerified: is_email_verified,
      };
    },
  }),
  // The preset installs an app, whose token is nobody's; "Sign in with Slack" has these endpoints.
  slack: {
    ...openIdSource("https://slack.com", "https://slack.com/api/openid.connect.userInfo"),
    endpoints: ({ origin }) => ({
      authorizationEndpointUri: `${origin}/openid/connect/authorize`,
      tokenUri: `${origin}/api/openid.connect.token`,
    }),
  },
  // Its document says of the address that nobody checked it.
  spotify: ownSource("https://accounts.spotify.com", {
    scope: "user-read-email",
    url: "https://api.spotify.com/v1/me",
    of: ({ id, display_name, email }) => ({ subject: id, name: display_name, email }),
  }),
  twitter: ownSource("https://twitter.com", {
    scope: "users.read tweet.read",
    url: "https://api.twitter.com/2/users/me",
    of: ({ data }) => ({ subject: claims(data).id, name: claims(data).name }),
  }),
};

/** The members of an object; of anything else none. */
function claims(value: unknown): Claims {
  return typeof value === "object" && value !== null && !Array.isArray(value)
    ? value as Claims
    : {};
}
