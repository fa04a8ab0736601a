import { onDenokv } from "./on_denokv.ts";
import { registerKvTests } from "./store_tests.ts";

await onDenokv("kv/", registerKvTests);
