/**
 * Writes a running server's events to a file, one JSON object a line, as an import takes them.
 * `deno task export FILE [--since POSITION] [--organizer ID] [--url URL] [--token TOKEN]`
 */
import {
  ask,
  drawProgress,
  endProgress,
  messageOf,
  readArguments,
  runTask,
  SERVER_OPTIONS,
  TaskError,
} from "./server.ts";

const USAGE =
  "Usage: deno task export FILE [--since POSITION] [--organizer ID] [--url URL] [--token TOKEN]";

const LINE_FEED = 10;

await runTask(async () => {
  const { values, positionals: [file] } = readArguments(USAGE, {
    options: {
      ...SERVER_OPTIONS,
      since: { type: "string" },
      organizer: { type: "string" },
    },
    names: ["FILE"],
  });
  const { since, organizer } = values;
  const query = { since, organizer };
  const response = await ask(values, (client) => client.v1.exports.$get({ query }));
  const total = response.headers.get("export-events");
  const lines = await save(response.body!, file!, total === null ? null : Number(total));
  console.log(`${lines} lines in "${file}".`);
  console.log("What changes from here on:");
  console.log(`  deno task export NEXT --since ${response.headers.get("journal-position")}`);
  return 0;
});

/** Under its name only when it is whole: what broke off is no export. Answers the lines. */
async function save(
  body: ReadableStream<Uint8Array<ArrayBuffer>>,
  path: string,
  total: number | null,
): Promise<number> {
  const unfinished = `${path}.part`;
  let lines = 0;
  try {
    const file = await Deno.open(unfinished, { write: true, create: true, truncate: true });
    await body.pipeThrough(
      new TransformStream({
        transform(chunk, controller) {
          controller.enqueue(chunk);
          for (const byte of chunk) if (byte === LINE_FEED) lines++;
          drawProgress(total === null ? null : Math.min(1, lines / Math.max(1, total)), `${lines}`);
        },
        flush: endProgress,
      }),
    ).pipeTo(file.writable);
    await Deno.rename(unfinished, path);
  } catch (error) {
    await Deno.remove(unfinished).catch(() => {});
    throw new TaskError(`The export could not be written to "${path}": ${messageOf(error)}`);
  }
  return lines;
}
