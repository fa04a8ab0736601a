import { onDenokv } from "./on_denokv.ts";
import { registerJobTests } from "./store_tests.ts";

await onDenokv("the jobs", registerJobTests);
