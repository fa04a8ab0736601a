/** The tests of kv/ and of the jobs, on files. */
import { join } from "node:path";
import { takeKvsFrom } from "../support/fresh_kv.ts";
import { tempFolder } from "../support/temp_folder.ts";
import { registerJobTests, registerKvTests } from "./store_tests.ts";

const folder = await tempFolder();
let count = 0;

takeKvsFrom(() => Deno.openKv(join(folder, `${++count}.sqlite3`)));
await registerKvTests();
await registerJobTests();
Deno.test.afterAll(() => Deno.remove(folder, { recursive: true }));
