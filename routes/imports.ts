/** `/v1/imports`: events in, one JSON object a line, as they stream. */
import { createRoute, z } from "@hono/zod-openapi";
import { DomainError, type ErrorCode, REMEDIES } from "../kv/errors.ts";
import { importEvents, type ImportReport } from "../lifecycle/import_events.ts";
import type { ImportLine } from "../lifecycle/import_lines.ts";
import { type Principal, requireMember } from "../lifecycle/policy.ts";
import { answer, apiApp, json, problems } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { importedThingOf } from "./import_lines.ts";
import { whileTheyMay } from "./lasting_rights.ts";
import { type NdjsonLine, readLines } from "./ndjson.ts";
import { dryRun } from "./query_schemas.ts";
import { sameCaller } from "./stream_callers.ts";

const MAX_LINE_BYTES = 256 * 1024;
/** An exported event carries its whole history. */
const MAX_ADMIN_LINE_BYTES = 8 * 1024 * 1024;

const ImportReportSchema = z.object({
  created: z.int(),
  updated: z.int(),
  unchanged: z.int(),
  deleted: z.int(),
  failed: z.int(),
  created_without_key: z.int(),
  failures: z.array(z.object({ line: z.int(), code: z.string(), detail: z.string() })),
  remedies: z.record(z.string(), z.string()).meta({
    description: "What to do about the failures, by their code.",
  }),
}).meta({ id: "ImportReport" });

const importRoute = createRoute({
  method: "post",
  path: "/v1/imports",
  summary: "Import events",
  description:
    "One event or organizer a line (application/x-ndjson), matched by id, else by external_id " +
    "(an event's within its organizer). Importing the same again changes nothing. Members import " +
    "for their own organizers; ids, versions, history and times are for administrators.",
  request: {
    query: z.strictObject({ dry_run: dryRun }),
    body: { required: true, content: { "application/x-ndjson": { schema: z.string() } } },
  },
  responses: {
    200: json(ImportReportSchema, "What became of the lines"),
    ...problems(400, 401, 403, 415, 503),
  },
});

export function imports(deps: AppDeps) {
  const { store, runner, clock } = deps;
  return apiApp()
    .openapi(importRoute, async (c) => {
      const principal = c.get("principal");
      requireMember(principal);
      const type = c.req.header("content-type") ?? "";
      if (!/^application\/(x-ndjson|jsonl|x-jsonlines)\s*(;|$)/i.test(type)) {
        throw new DomainError(
          "unsupported_media_type",
          `This route takes application/x-ndjson, not "${type.slice(0, 100)}".`,
        );
      }
      const body = c.req.raw.body ?? new ReadableStream<Uint8Array>({ start: (s) => s.close() });
      const { dry_run: dryRun } = c.req.valid("query");
      const maxBytes = principal.role === "admin" ? MAX_ADMIN_LINE_BYTES : MAX_LINE_BYTES;
      const sent = whileTheyMay(readLines(body, maxBytes), {
        ask: sameCaller(c, deps),
        check: sameSender(principal),
        clock,
      });
      const lines = parsed(sent, maxBytes);
      const report = await importEvents(store, lines, { principal, clock, dryRun });
      // Past events may have come, of which many are due: not for the next reader to walk past.
      if (!dryRun && report.created + report.updated > 0) runner.wake();
      return answer(c, { ...report, remedies: remediesOf(report) }, 200);
    });
}

/** Once a code, because a file may be wrong in the same way on every line. */
function remediesOf({ failures }: ImportReport): Record<string, string> {
  const codes = new Set(failures.map(({ code }) => code).filter((code) => code in REMEDIES));
  return Object.fromEntries([...codes].map((code) => [code, REMEDIES[code as ErrorCode]]));
}

/**
 * The sender is who they were, in the same role. What was handed out before stays imported. What is
 * made throws {@linkcode DomainError} `unauthenticated`, `forbidden`.
 */
function sameSender({ userId, role }: Principal): (now: Principal) => void {
  return (now) => {
    if (now.userId !== userId) throw new DomainError("unauthenticated");
    if (now.role === role) return;
    throw new DomainError("forbidden", "The sender's role was changed during the import.");
  };
}

async function* parsed(
  lines: AsyncIterable<NdjsonLine>,
  maxBytes: number,
): AsyncGenerator<ImportLine> {
  for await (const line of lines) yield parseLine(line, maxBytes);
}

function parseLine(read: NdjsonLine, maxBytes: number): ImportLine {
  const { line } = read;
  const invalid = (code: string, detail: string): ImportLine => ({
    line,
    outcome: "invalid",
    code,
    detail,
  });
  if (read.outcome === "too_long") {
    return invalid("payload_too_large", `A line takes at most ${maxBytes / 1024} KiB.`);
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
  try {
    return { line, outcome: "parsed", says: importedThingOf(value) };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return invalid(error.code, error.detail);
  }
}
