/** `/v1/exports`: events out, one JSON object a line, as they are read. */
import { createRoute, z } from "@hono/zod-openapi";
import { DomainError, type ErrorCode } from "../kv/errors.ts";
import type { OrganizerId } from "../kv/event_record.ts";
import { requireMayExport, startExport } from "../lifecycle/export_events.ts";
import type { ExportLine } from "../lifecycle/export_lines.ts";
import type { Logger } from "../lifecycle/log.ts";
import { apiApp, problems } from "./api.ts";
import type { AppDeps } from "./app_deps.ts";
import { organizerId } from "./event_schemas.ts";
import { apiResponse } from "./headers.ts";
import { whileTheyMay } from "./lasting_rights.ts";
import { sameCaller } from "./stream_callers.ts";

const exportRoute = createRoute({
  method: "get",
  path: "/v1/exports",
  summary: "Export events",
  description:
    "Everything as an import takes it (application/x-ndjson): organizers with their members, then " +
    "events with their history, as stored. `Journal-Position` says where the journal stood; " +
    "`since` that position gives what changed after it. For administrators; with `organizer` for " +
    "those who write its events.",
  request: {
    query: z.strictObject({
      since: z.string().min(1).max(200).optional().meta({
        description: "The `Journal-Position` of an earlier export.",
      }),
      organizer: organizerId.optional().meta({ description: "One organizer's events only." }),
    }),
  },
  responses: {
    200: {
      description: "The lines",
      content: { "application/x-ndjson": { schema: z.string() } },
      headers: z.object({
        "Journal-Position": z.string().meta({ description: "Where the export began." }),
        "Export-Events": z.string().optional().meta({ description: "How many events, about." }),
        "Content-Disposition": z.string().meta({ description: "A name for the file." }),
      }),
    },
    ...problems(400, 401, 403, 404, 410, 503),
  },
});

export function exports(deps: AppDeps) {
  const { store, clock } = deps;
  return apiApp()
    .openapi(exportRoute, async (c) => {
      const { since, organizer } = c.req.valid("query");
      const organizerId = organizer as OrganizerId | undefined;
      const { position, total, lines } = await startExport(store, {
        principal: c.get("principal"),
        since,
        organizerId,
      });
      // As slowly as it is taken: whoever may no longer would go on reading what comes to be.
      const allowed = whileTheyMay(lines, {
        ask: sameCaller(c, deps),
        check: (principal) => requireMayExport(store, organizerId, principal),
        clock,
      });
      const headers = {
        "journal-position": position,
        "content-disposition": 'attachment; filename="curtain.ndjson"',
        ...(total === null ? {} : { "export-events": String(total) }),
      };
      // The contract's types know no media type that ends in "json" but JSON's own.
      const init = { contentType: "application/x-ndjson", headers };
      return apiResponse(c, bytesOf(allowed, c.get("log")), init) as never;
    });
}

const CHUNK_LENGTH = 64 * 1024;
/** Of whoever may not export any more, or whose organizer is gone. */
const ENDED: ErrorCode[] = ["unauthenticated", "forbidden", "not_found"];

/** The lines as bytes, read only as fast as they are taken. A failure breaks the body off. */
function bytesOf(lines: AsyncGenerator<ExportLine>, log: Logger): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  let isWanted = true;
  return new ReadableStream<Uint8Array>({
    async pull(controller) {
      let text = "";
      try {
        while (text.length < CHUNK_LENGTH) {
          const { value, done } = await lines.next();
          if (!isWanted) return;
          if (done) {
            if (text !== "") controller.enqueue(encoder.encode(text));
            return controller.close();
          }
          text += JSON.stringify(value) + "\n";
        }
        controller.enqueue(encoder.encode(text));
      } catch (error) {
        if (error instanceof DomainError && ENDED.includes(error.code)) {
          log.info("the export ended with the right to it", { code: error.code });
        } else log.error("the export broke off", { error });
        controller.error(error);
      }
    },
    async cancel() {
      // A read that is under way ends first, and is no failure.
      isWanted = false;
      await lines.return(undefined);
    },
  }, { highWaterMark: 1 });
}
