/** `/v1/imports`: events in, one JSON object a line, as they stream. */
import { createRoute, z } from "@hono/zod-openapi";
import { DomainError, invalidFields } from "../kv/errors.ts";
import { importEvents, type ImportLine } from "../lifecycle/import_events.ts";
import { requireAdmin } from "../lifecycle/policy.ts";
import { answer, apiApp, json, problems } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { importedEventOf, ImportLineInput } from "./event_schemas.ts";
import { type NdjsonLine, readLines } from "./ndjson.ts";
import { flag } from "./query_schemas.ts";
import { bodyProblems } from "./validation.ts";

const MAX_LINE_BYTES = 256 * 1024;

const ImportReportSchema = z.object({
  created: z.int(),
  updated: z.int(),
  unchanged: z.int(),
  failed: z.int(),
  created_without_key: z.int(),
  failures: z.array(z.object({ line: z.int(), code: z.string(), detail: z.string() })),
}).meta({ id: "ImportReport" });

const importRoute = createRoute({
  method: "post",
  path: "/v1/imports",
  summary: "Import events",
  description:
    "One event a line (application/x-ndjson), matched by id, else by external_id within " +
    "its organizer. Importing the same again changes nothing.",
  request: { query: z.strictObject({ dry_run: flag.default(false) }) },
  responses: {
    200: json(ImportReportSchema, "What became of the lines"),
    ...problems(400, 401, 403, 415, 503),
  },
});

export function imports({ store, clock }: AppDeps) {
  const app = apiApp();

  app.openapi(importRoute, async (c) => {
    const principal = c.get("principal");
    requireAdmin(principal);
    const type = c.req.header("content-type") ?? "";
    if (!/^application\/(x-ndjson|jsonl|x-jsonlines)\s*(;|$)/i.test(type)) {
      throw new DomainError(
        "unsupported_media_type",
        `This route takes application/x-ndjson, not "${type.slice(0, 100)}".`,
      );
    }
    const body = c.req.raw.body ?? new ReadableStream<Uint8Array>({ start: (s) => s.close() });
    const { dry_run: dryRun } = c.req.valid("query");
    const report = await importEvents(store, parsed(readLines(body, MAX_LINE_BYTES)), {
      principal,
      clock,
      dryRun,
    });
    return answer(c, report, 200);
  });

  return app;
}

async function* parsed(lines: AsyncIterable<NdjsonLine>): AsyncGenerator<ImportLine> {
  for await (const line of lines) yield parseLine(line);
}

function parseLine(read: NdjsonLine): ImportLine {
  const { line } = read;
  const invalid = (code: string, detail: string): ImportLine => ({
    line,
    outcome: "invalid",
    code,
    detail,
  });
  if (read.outcome === "too_long") {
    return invalid("payload_too_large", `A line takes at most ${MAX_LINE_BYTES / 1024} KiB.`);
  }
  if (read.outcome === "not_utf8") return invalid("malformed_json", "The line is not UTF-8.");
  if (read.outcome === "broken_off") {
    return invalid(
      "body_broken_off",
      "The body broke off; the lines from here on may not have been read. Send it again.",
    );
  }
  let value: unknown;
  try {
    value = JSON.parse(read.text);
  } catch {
    return invalid("malformed_json", "The line is not valid JSON.");
  }
  const result = ImportLineInput.safeParse(value);
  if (!result.success) {
    const { code, detail } = invalidFields(bodyProblems(result.error.issues));
    return invalid(code, detail);
  }
  return { line, outcome: "parsed", event: importedEventOf(result.data) };
}
