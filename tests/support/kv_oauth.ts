/** `@deno/kv-oauth`, where its registry can be reached: it is loaded as the program loads it. */
import { Deadlines } from "../../kv/deadlines.ts";
import { DomainError } from "../../kv/errors.ts";
import { kvOAuthLoader, type KvOAuthModule } from "../../routes/sign_in/kv_oauth_provider.ts";

/** Null: it cannot be loaded here. */
export async function loadKvOAuth(): Promise<KvOAuthModule | null> {
  const store = { deadlines: new Deadlines() };
  // It opens a KV of its own while it is loaded.
  const exposeKvPath = () => Deno.env.set("DENO_KV_PATH", ":memory:");
  try {
    return await kvOAuthLoader({ store, exposeKvPath })();
  } catch (error) {
    if (error instanceof DomainError && error.code === "sign_in_unavailable") return null;
    throw error;
  } finally {
    store.deadlines.stop();
  }
}
