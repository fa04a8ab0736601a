/**
 * The way to the one module that needs the package registry jsr.io: it is loaded when somebody first
 * signs in through it, so that everything else works where the registry refuses or never answers.
 */
import { DomainError } from "../../kv/errors.ts";
import { type Logger, SILENT } from "../../lifecycle/log.ts";
import type { SignInPreset } from "../../lifecycle/sign_in_presets.ts";
import type { FlowSite } from "./flow_cookie.ts";
import type { ProfileSource } from "./kv_oauth_profiles.ts";
import type { SignIn } from "./sign_in.ts";

/** A provider that kv-oauth has no preset for. */
export interface OAuthConfig {
  clientId: string;
  clientSecret?: string;
  authorizationEndpointUri: string;
  tokenUri: string;
}

export interface KvOAuthOptions extends FlowSite {
  provider: SignInPreset | { config: OAuthConfig; source: ProfileSource };
  log?: Logger;
  /** Of the token request, and of each request for the profile. */
  deadlineMs?: number;
}

export interface KvOAuthModule {
  kvOAuthSignIn: (options: KvOAuthOptions) => SignIn;
}

export interface LoadOptions {
  store: Pick<FlowSite["store"], "deadlines">;
  log?: Logger;
  /** Sets `DENO_KV_PATH`, from which kv-oauth opens a KV of its own while it is loaded. */
  exposeKvPath: () => void;
  /** Where the module is, unless a test says otherwise. */
  module?: URL;
  deadlineMs?: number;
}

/** Not a literal: the runtime would resolve it at start, and wait there for the registry. */
const MODULE = new URL("./sign_in_kv_oauth.ts", import.meta.url);
const DEADLINE_MS = 10_000;

/**
 * Loads it once. A failed import is remembered for the life of the process, by the runtime itself;
 * one that takes too long, until it comes after all.
 * The answer throws {@linkcode DomainError} `sign_in_unavailable`.
 */
export function kvOAuthLoader(options: LoadOptions): () => Promise<KvOAuthModule> {
  const { store, log = SILENT, exposeKvPath, module = MODULE, deadlineMs = DEADLINE_MS } = options;
  let inTime: Promise<KvOAuthModule> | undefined;

  async function load(): Promise<KvOAuthModule> {
    try {
      exposeKvPath();
      return await import(module.href);
    } catch (error) {
      const [reason] = String(error).split("\n");
      log.error("the sign-in could not be loaded", { error: reason });
      throw new DomainError("sign_in_unavailable", undefined, {}, { cause: error });
    }
  }

  return () => {
    if (inTime !== undefined) return inTime;
    const loading = load();
    // However late it comes, those who ask then need not wait.
    loading.then(() => inTime = loading, () => {});
    return inTime = store.deadlines.within(loading, deadlineMs, "sign_in_unavailable");
  };
}
