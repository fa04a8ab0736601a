/** `deno task policy`: writes the table of rights into the README, between its two marks. */
import { withPolicy } from "../routes/policy_markdown.ts";

const README = new URL("../README.md", import.meta.url);

await Deno.writeTextFile(README, withPolicy(await Deno.readTextFile(README)));
