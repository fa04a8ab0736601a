/** Writes the contract to `docs/openapi.json`, whose changes are then reviewed: `deno task openapi`. */
import { createApp } from "../routes/app.ts";
import type { AppDeps } from "../routes/app_deps.ts";
import { describeApi } from "../routes/openapi.ts";

// No request is made, so nothing is there of what requests need.
const app = createApp({} as AppDeps);
const path = new URL("../docs/openapi.json", import.meta.url);
await Deno.mkdir(new URL(".", path), { recursive: true });
await Deno.writeTextFile(path, JSON.stringify(describeApi(app), null, 2) + "\n");
