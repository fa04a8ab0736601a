/**
 * Streams a file of events, one JSON object a line, to a running server.
 * `deno task import FILE [--url URL] [--token TOKEN] [--dry-run]`
 */
import { parseArgs } from "node:util";

const USAGE = "Usage: deno task import FILE [--url URL] [--token TOKEN] [--dry-run]";

interface Options {
  file: string;
  url: string;
  token: string;
  dryRun: boolean;
}

Deno.exit(await main());

async function main(): Promise<number> {
  const options = readOptions();
  if (typeof options === "string") return fail(options);
  try {
    return await importFile(options);
  } catch (error) {
    return fail(`The server at ${options.url} could not be reached: ${messageOf(error)}`);
  }
}

function readOptions(): Options | string {
  try {
    const { values, positionals } = parseArgs({
      args: Deno.args,
      allowPositionals: true,
      options: {
        url: { type: "string", default: "http://127.0.0.1:8000" },
        token: { type: "string", default: Deno.env.get("ADMIN_TOKEN") ?? "" },
        "dry-run": { type: "boolean", default: false },
      },
    });
    const [file] = positionals;
    if (file === undefined || positionals.length > 1) return USAGE;
    if (!URL.canParse(values.url)) return `--url must be a URL, not "${values.url}".\n${USAGE}`;
    if (values.token === "") return `Give --token, or set ADMIN_TOKEN.\n${USAGE}`;
    return { file, url: values.url, token: values.token, dryRun: values["dry-run"] };
  } catch (error) {
    return `${messageOf(error)}\n${USAGE}`;
  }
}

async function importFile({ file, url, token, dryRun }: Options): Promise<number> {
  let opened: Deno.FsFile;
  try {
    opened = await Deno.open(file);
  } catch (error) {
    return fail(`"${file}" cannot be read: ${messageOf(error)}`);
  }
  const { size, isFile } = await opened.stat();
  if (!isFile) return fail(`"${file}" is not a file.`);
  const response = await fetch(new URL(`/v1/imports?dry_run=${dryRun}`, url), {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/x-ndjson" },
    body: opened.readable.pipeThrough(progress(size)),
  });
  const answer = await response.json();
  if (!response.ok) return fail(`${response.status} ${answer.title}\n${answer.detail}`);
  const { created, updated, unchanged, failed, failures } = answer;
  console.log(
    `${
      dryRun ? "Would be: " : ""
    }${created} created, ${updated} updated, ${unchanged} unchanged, ` +
      `${failed} failed`,
  );
  for (const { line, code, detail } of failures) console.error(`line ${line}: ${code}: ${detail}`);
  return failed === 0 ? 0 : 1;
}

/** Passes the bytes on and draws how far they are, on a terminal. */
function progress(size: number): TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  const visible = Deno.stderr.isTerminal();
  const encoder = new TextEncoder();
  let sent = 0;
  const draw = () => {
    const share = size === 0 ? 1 : sent / size;
    const bar = "█".repeat(Math.round(share * 30)).padEnd(30, "░");
    Deno.stderr.writeSync(encoder.encode(`\r${bar} ${(share * 100).toFixed(0).padStart(3)} %`));
  };
  return new TransformStream({
    transform(chunk, controller) {
      controller.enqueue(chunk);
      sent += chunk.length;
      if (visible) draw();
    },
    flush() {
      if (visible) Deno.stderr.writeSync(encoder.encode("\n"));
    },
  });
}

function fail(message: string): number {
  console.error(message);
  return 1;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
