/**
 * Streams a file of events, one JSON object a line, to a running server.
 * `deno task import FILE [--url URL] [--token TOKEN] [--dry-run]`
 */
import { bodyOf } from "../routes/client.ts";
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

const USAGE = "Usage: deno task import FILE [--url URL] [--token TOKEN] [--dry-run]";

await runTask(async () => {
  const { values, positionals: [file] } = readArguments(USAGE, {
    options: { ...SERVER_OPTIONS, "dry-run": { type: "boolean", default: false } },
    names: ["FILE"],
  });
  const opened = await open(file!);
  const { size } = await opened.stat();
  const query = { dry_run: values["dry-run"] };
  const header = { "Content-Type": "application/x-ndjson" };
  const body = opened.readable.pipeThrough(progress(size));
  const { created, updated, unchanged, deleted, failed, failures, remedies } = await ask(
    values,
    (client) => bodyOf(client.v1.imports.$post({ query, header }, { init: { body } })),
  );
  console.log(
    `${values["dry-run"] ? "Would be: " : ""}${created} created, ${updated} updated, ` +
      `${unchanged} unchanged, ${deleted} deleted, ${failed} failed`,
  );
  for (const { line, code, detail } of failures) console.error(`line ${line}: ${code}: ${detail}`);
  for (const [code, remedy] of Object.entries(remedies)) console.error(`${code}: ${remedy}`);
  return failed === 0 ? 0 : 1;
});

async function open(path: string): Promise<Deno.FsFile> {
  let file: Deno.FsFile;
  try {
    file = await Deno.open(path);
  } catch (error) {
    throw new TaskError(`"${path}" cannot be read: ${messageOf(error)}`);
  }
  if (!(await file.stat()).isFile) throw new TaskError(`"${path}" is not a file.`);
  return file;
}

/** Passes the bytes on and draws how far they are. */
function progress(size: number): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  let sent = 0;
  return new TransformStream({
    transform(chunk, controller) {
      controller.enqueue(chunk);
      sent += chunk.length;
      drawProgress(size === 0 ? 1 : sent / size);
    },
    flush: endProgress,
  });
}
