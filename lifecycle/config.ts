/**
 * Configuration: from the environment only, parsed once. A wrong value stops the start with a
 * sentence that names the variable and says what it must be.
 */
import { z } from "zod";
import { knownZone } from "./event_zone.ts";
import { type IpRange, parseIpRange } from "./ip_ranges.ts";
import { isLoopback, isSafeTransport } from "./loopback.ts";
import { LOG_LEVELS, type LogLevel } from "./log.ts";
import type { SignUp } from "./sign_up.ts";
import { changesChannel, defaultNamespace, NAMESPACE_FORM } from "./redis_namespace.ts";
import { presetVariables, SIGN_IN_PRESETS, type SignInPreset } from "./sign_in_presets.ts";

export interface Config {
  port: number;
  host: string;
  /** A file, `:memory:`, an http(s) URL; undefined: the runtime's own (the attached database). */
  kvPath: string | undefined;
  adminToken: string | null;
  openEndedMs: number;
  logLevel: LogLevel;
  /** How many one client may send a minute; null: any number. */
  requestsPerMinute: number | null;
  /** Whose word counts about the client that they ask for. */
  trustedProxies: IpRange[];
  timeZone: string;
  /** Where vulnerabilities are reported, a mailto: or https: URL. */
  securityContact: string | null;
  deployment: string | null;
  /** Whether it runs on Deno Deploy. */
  isDeployed: boolean;
  /** Null: changes go no further than the store tells of them. */
  redis: { url: string; token: string; channel: string } | null;
  /** How long the journal of changes is kept. */
  journalRetentionDays: number;
  /** Who of those that sign in for the first time may create events. */
  signUp: SignUp;
  /** `issuer|subject` of those who administer. */
  adminUsers: ReadonlySet<string>;
  /** Where people reach the program; null: where it listens, on loopback. */
  publicOrigin: string | null;
  /** With whom people sign in; kv-oauth reads the variables of its preset itself. */
  signIn: {
    oidc: { issuer: string; clientId: string; clientSecret: string | null } | null;
    preset: SignInPreset | null;
  };
}

export class ConfigError extends Error {
  override name = "ConfigError";
}

export const MIN_TOKEN_LENGTH = 32;

const wholeNumber = (must: string, min: number, max: number) =>
  z.string().regex(/^\d+$/, must).transform(Number).refine((n) => n >= min && n <= max, must);

/** A hundred a second: more than people and careful programs send, less than a process serves. */
const DEFAULT_RATE_LIMIT = 6_000;
const MAX_RATE_LIMIT = 100_000;
const RATE_LIMIT_FORM = `a number of requests a minute, 1 to ${MAX_RATE_LIMIT}, or "off"`;

/** Null for a list that holds anything else. */
function ipRangesOf(list: string): IpRange[] | null {
  const ranges = list.split(",").map((text) => parseIpRange(text.trim()));
  return ranges.every((range) => range !== null) ? ranges : null;
}

const SIGN_UP_FORM = '"invited", "open", or "domains:" and domains separated by commas';

function namesIn(list: string): string[] {
  return list.split(",").map((name) => name.trim()).filter((name) => name !== "");
}

/** Null for a text that says nothing of the kind. */
function signUpOf(text: string): SignUp | null {
  if (text === "invited" || text === "open") return { rule: text };
  if (!text.startsWith("domains:")) return null;
  const domains = namesIn(text.slice("domains:".length)).map((domain) => domain.toLowerCase());
  const areDomains = domains.every((domain) => /^[a-z0-9-]+(\.[a-z0-9-]+)+$/.test(domain));
  return domains.length > 0 && areDomains ? { rule: "domains", domains } : null;
}

/** Credentials have no place in an address that many see. */
function isPlainUrl(text: string): boolean {
  const url = URL.parse(text);
  return url !== null && isSafeTransport(url) && !/[?#@\s\\]/.test(text);
}

/** No issuer holds a blank; a subject may, within. */
const IDENTITY = /^[^|\s]+\|\S(.*\S)?$/;
/** `URL` takes others, which no browser would say as its `Origin`. */
const HOST_NAME = /^([a-z0-9-]+(\.[a-z0-9-]+)*\.?|\[[\da-f:.]+\])$/;

const ENVIRONMENT = z.object({
  PORT: wholeNumber("a port number, 0 to 65535", 0, 65_535).default(8000),
  HOST: z.string().regex(/^[0-9A-Za-z.:_-]+$/, "a host name or an IP address").optional(),
  KV_PATH: z.string().refine(
    (path) => !/^[a-z][a-z0-9+.-]*:\/\//i.test(path) || /^https?:\/\/[^/]+/i.test(path),
    "a file, :memory:, or an http(s):// KV Connect URL",
  ).optional(),
  ADMIN_TOKEN: z.string().refine(
    (token) => token.length >= MIN_TOKEN_LENGTH && /^[\x21-\x7e]+$/.test(token),
    `at least ${MIN_TOKEN_LENGTH} visible ASCII characters without blanks`,
  ).optional(),
  OPEN_ENDED_HOURS: wholeNumber("a whole number of hours, 1 to 8760", 1, 8_760).default(24),
  LOG_LEVEL: z.enum(LOG_LEVELS, `one of ${LOG_LEVELS.join(", ")}`).default("info"),
  RATE_LIMIT: z.string().regex(/^(off|\d+)$/, RATE_LIMIT_FORM)
    .transform((text) => text === "off" ? null : Number(text))
    .refine((n) => n === null || (n >= 1 && n <= MAX_RATE_LIMIT), RATE_LIMIT_FORM)
    .default(DEFAULT_RATE_LIMIT),
  TRUSTED_PROXIES: z.string()
    .refine(
      (list) => ipRangesOf(list) !== null,
      "IP addresses and ranges such as 10.0.0.0/8, separated by commas",
    )
    .transform((list) => ipRangesOf(list) ?? [])
    .optional(),
  TIME_ZONE: z.string()
    .refine((name) => knownZone(name) !== null, "an IANA time zone such as Europe/London")
    .default("Europe/London"),
  SECURITY_CONTACT: z.string().regex(
    // Visible ASCII only: it becomes a line of a text.
    /^(mailto:[!-?A-~]+@[!-?A-~]+|https:\/\/[!-~]+)$/,
    "a mailto: or https: URL",
  ).optional(),
  UPSTASH_REDIS_REST_URL: z.string().regex(
    /^https?:\/\/[^\s/?#@]+(\/[^\s?#]*)?$/i,
    "the https:// address of a database's REST interface",
  ).optional(),
  UPSTASH_REDIS_REST_TOKEN: z.string().regex(/^[\x21-\x7e]+$/, "the token of its REST interface")
    .optional(),
  REDIS_NAMESPACE: z.string().regex(
    NAMESPACE_FORM,
    "1 to 100 of the characters A-Z a-z 0-9 : . _ -",
  )
    .optional(),
  JOURNAL_RETENTION_DAYS: wholeNumber("a whole number of days, 1 to 3650", 1, 3_650).default(30),
  SIGN_UP: z.string().refine((text) => signUpOf(text) !== null, SIGN_UP_FORM)
    .transform((text) => signUpOf(text)!).optional(),
  ADMIN_USERS: z.string().refine(
    (text) => namesIn(text).every((name) => IDENTITY.test(name)),
    "issuer|subject, several separated by commas",
  ).transform(namesIn).optional(),
  PUBLIC_ORIGIN: z.string()
    .refine(
      (text) =>
        isPlainUrl(text) && new URL(text).pathname === "/" &&
        HOST_NAME.test(new URL(text).hostname),
      "the https:// origin at which people reach it, without a path (http:// on loopback)",
    )
    .transform((text) => new URL(text).origin)
    .optional(),
  SIGN_IN_PROVIDER: z.enum(SIGN_IN_PRESETS, `one of ${SIGN_IN_PRESETS.join(", ")}`).optional(),
  OIDC_ISSUER: z.string()
    .refine(isPlainUrl, "the https:// address of an OpenID provider (http:// on loopback)")
    .optional(),
  OIDC_CLIENT_ID: z.string().optional(),
  OIDC_CLIENT_SECRET: z.string().optional(),
  DENO_DEPLOY: z.string().optional(),
  DENO_TIMELINE: z.string().optional(),
  DENO_DEPLOYMENT_ID: z.string().optional(),
});

/**
 * `dev` listens on loopback and has a database of its own. An empty variable counts as unset.
 * @throws {ConfigError}
 */
export function parseConfig(
  environment: Record<string, string | undefined>,
  mode: "dev" | "start",
): Config {
  const given = Object.fromEntries(
    Object.entries(environment).filter(([, value]) => value !== undefined && value !== ""),
  );
  const parsed = ENVIRONMENT.safeParse(given);
  if (!parsed.success) {
    const sentences = parsed.error.issues.map(({ path, message }) => {
      const name = String(path[0]);
      // Addresses may hold some: that of Redis does when it is the one for its own protocol.
      const isSecret = /TOKEN$|^(UPSTASH_REDIS_REST_URL|PUBLIC_ORIGIN|OIDC_ISSUER)$/.test(name);
      const value = isSecret ? "" : `, not "${given[name]}"`;
      return `${name} must be ${message}${value}.`;
    });
    throw new ConfigError(sentences.join("\n"));
  }
  const env = parsed.data;
  const onDeploy = env.DENO_DEPLOY !== undefined || env.DENO_DEPLOYMENT_ID !== undefined;
  const file = mode === "dev" ? "data/dev.sqlite3" : "data/curtain.sqlite3";
  const host = env.HOST ?? (mode === "dev" ? "127.0.0.1" : "0.0.0.0");
  const signIn = signInOf(env, given);
  const isSignIn = signIn.oidc !== null || signIn.preset !== null;
  if (isSignIn && env.PUBLIC_ORIGIN === undefined && !isLoopback(host)) {
    throw new ConfigError(
      "PUBLIC_ORIGIN must be set where people sign in, unless HOST is loopback.",
    );
  }
  return {
    port: env.PORT,
    host,
    kvPath: env.KV_PATH ?? (onDeploy ? undefined : file),
    adminToken: env.ADMIN_TOKEN ?? null,
    openEndedMs: env.OPEN_ENDED_HOURS * 3_600_000,
    logLevel: env.LOG_LEVEL,
    requestsPerMinute: env.RATE_LIMIT,
    trustedProxies: env.TRUSTED_PROXIES ?? [],
    timeZone: env.TIME_ZONE,
    securityContact: env.SECURITY_CONTACT ?? null,
    deployment: env.DENO_DEPLOYMENT_ID ?? null,
    isDeployed: onDeploy,
    redis: redisOf(env),
    journalRetentionDays: env.JOURNAL_RETENTION_DAYS,
    signUp: env.SIGN_UP ?? { rule: mode === "dev" ? "open" : "invited" },
    adminUsers: new Set(env.ADMIN_USERS),
    publicOrigin: env.PUBLIC_ORIGIN ?? null,
    signIn,
  };
}

function redisOf(env: z.output<typeof ENVIRONMENT>): Config["redis"] {
  const { UPSTASH_REDIS_REST_URL: url, UPSTASH_REDIS_REST_TOKEN: token } = env;
  if (url === undefined && token === undefined) return null;
  if (url === undefined || token === undefined) {
    const missing = url === undefined ? "UPSTASH_REDIS_REST_URL" : "UPSTASH_REDIS_REST_TOKEN";
    throw new ConfigError(`${missing} must be set where the other one is: they go together.`);
  }
  const namespace = env.REDIS_NAMESPACE ?? defaultNamespace(env.DENO_TIMELINE);
  return { url: url.replace(/\/+$/, ""), token, channel: changesChannel(namespace) };
}

/** @throws {ConfigError} for what is missing beside what is set. */
function signInOf(
  env: z.output<typeof ENVIRONMENT>,
  given: Record<string, string | undefined>,
): Config["signIn"] {
  const { OIDC_ISSUER: issuer, OIDC_CLIENT_ID: clientId, OIDC_CLIENT_SECRET: clientSecret } = env;
  const preset = env.SIGN_IN_PROVIDER ?? null;
  const missing = preset === null
    ? []
    : presetVariables(preset).filter((name) => given[name] === undefined);
  if (missing.length > 0) {
    throw new ConfigError(`${missing.join(", ")} must be set for SIGN_IN_PROVIDER "${preset}".`);
  }
  if (issuer !== undefined && clientId !== undefined) {
    return { oidc: { issuer, clientId, clientSecret: clientSecret ?? null }, preset };
  }
  if (issuer === undefined && clientId === undefined && clientSecret === undefined) {
    return { oidc: null, preset };
  }
  throw new ConfigError(
    "OIDC_ISSUER and OIDC_CLIENT_ID must be set together, also where OIDC_CLIENT_SECRET is set.",
  );
}
