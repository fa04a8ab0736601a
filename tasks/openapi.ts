/**
 * Writes the contract to `docs/openapi.json`, whose changes are then reviewed. What would break
 * clients is refused. `deno task openapi [--breaking]`
 */
import { fileURLToPath } from "node:url";
import { createApp } from "../routes/app.ts";
import type { AppDeps } from "../routes/app_deps.ts";
import { describeApi } from "../routes/openapi.ts";
import { writeContract } from "./contract_file.ts";
import { readArguments, runTask } from "./server.ts";

await runTask(async () => {
  const { values } = readArguments("Usage: deno task openapi [--breaking]", {
    options: { breaking: { type: "boolean", default: false } },
  });
  // No request is made, so next to nothing is there of what requests need.
  const document = describeApi(createApp({ clock: Date.now } as AppDeps));
  const path = fileURLToPath(new URL("../docs/openapi.json", import.meta.url));
  const text = JSON.stringify(document, null, 2) + "\n";
  await writeContract(path, text, { isBreaking: values.breaking });
  return 0;
});
