/** The providers that are configured, as `/auth/sign-in` offers them. */
import type { Store } from "../../kv/store.ts";
import type { Config } from "../../lifecycle/config.ts";
import type { Logger } from "../../lifecycle/log.ts";
import { presetLabel } from "../../lifecycle/sign_in_presets.ts";
import { kvOAuthLoader } from "./kv_oauth_provider.ts";
import { OIDC_ID, type SignIn, type SignInProvider } from "./sign_in.ts";

export interface SignInDeps {
  store: Store;
  /** Epoch milliseconds. */
  clock: () => number;
  log: Logger;
  /** `PUBLIC_ORIGIN`, or where the program listens, which is known once it does. */
  origin: () => string;
  /** Sets `DENO_KV_PATH` to where the store is, for kv-oauth, which opens it by itself. */
  exposeKvPath: () => void;
}

/** In no particular order but always the same; none when nothing is configured. */
export function signInProviders(
  { signIn: { oidc, preset } }: Pick<Config, "signIn">,
  deps: SignInDeps,
): SignInProvider[] {
  const providers: SignInProvider[] = [];
  if (preset !== null) {
    const load = kvOAuthLoader(deps);
    const signIn = once(async () => {
      const { kvOAuthSignIn } = await load();
      return kvOAuthSignIn({ ...deps, origin: deps.origin(), id: preset, provider: preset });
    });
    providers.push({ id: preset, label: presetLabel(preset), signIn });
  }
  if (oidc !== null) {
    const signIn = once(async () => {
      // Loaded when somebody signs in: a start is not the time.
      const { oidcSignIn } = await import("./sign_in_oidc.ts");
      return oidcSignIn({ ...deps, origin: deps.origin(), ...oidc });
    });
    providers.push({ id: OIDC_ID, label: new URL(oidc.issuer).host, signIn });
  }
  return providers;
}

/** Made when first asked for, and again when that failed. */
function once(make: () => Promise<SignIn>): () => Promise<SignIn> {
  let made: Promise<SignIn> | undefined;
  return () =>
    made ??= make().catch((error) => {
      made = undefined;
      throw error;
    });
}
