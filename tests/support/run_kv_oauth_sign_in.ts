/** Asks for the sign-in that needs the package registry, as the program does; prints what it gets. */
import { Store } from "../../kv/store.ts";
import { SILENT } from "../../lifecycle/log.ts";
import { DomainError } from "../../kv/errors.ts";
import { signInProviders } from "../../routes/sign_in/providers.ts";

const store = await Store.over(await Deno.openKv(":memory:"));
const [provider] = signInProviders({ signIn: { preset: "github", oidc: null } }, {
  store,
  clock: Date.now,
  log: SILENT,
  origin: () => "http://127.0.0.1:8000",
  exposeKvPath: () => Deno.env.set("DENO_KV_PATH", ":memory:"),
});
const before = performance.now();
const told = await provider!.signIn().then(
  () => "loaded",
  (error) => error instanceof DomainError ? error.code : String(error),
);
console.log(JSON.stringify({ told, afterMs: performance.now() - before }));
// An import that never comes would keep the process alive.
Deno.exit(0);
