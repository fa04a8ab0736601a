/**
 * Checks the types of the one module that needs the package registry jsr.io, which nothing imports
 * and `deno check` therefore does not meet. Where the registry cannot be reached it says so and is
 * content, unless REQUIRE_KV_OAUTH=1.
 */
const MODULE = new URL("../routes/sign_in/sign_in_kv_oauth.ts", import.meta.url);
/** A registry that refuses does so at once; some never answer. */
const PATIENCE_MS = 20_000;

const checking = new Deno.Command(Deno.execPath(), {
  args: ["check", "--quiet", MODULE.pathname],
  stdout: "piped",
  stderr: "piped",
  signal: AbortSignal.timeout(PATIENCE_MS),
});
const { success, signal, stderr } = await checking.output();
const told = new TextDecoder().decode(stderr);
const isOutOfReach = signal !== null || /JSR package .* failed to load/.test(told);
if (isOutOfReach && Deno.env.get("REQUIRE_KV_OAUTH") !== "1") {
  console.log("routes/sign_in/sign_in_kv_oauth.ts was not checked: jsr.io cannot be reached");
} else if (!success) {
  console.error(told);
  Deno.exit(1);
}
