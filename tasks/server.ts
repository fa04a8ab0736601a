/** What the command-line tasks share: where the server is, and how they end when it does not help. */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util";
import { type Client, createClient, ProblemError } from "../routes/client.ts";

/** How every task that talks to a server is told where it is and who asks. */
export const SERVER_OPTIONS = {
  url: { type: "string", default: "http://127.0.0.1:8000" },
  token: { type: "string", default: Deno.env.get("ADMIN_TOKEN") ?? "" },
} as const satisfies ParseArgsOptionsConfig;

/** What a task says on its way out, in place of a stack trace. */
export class TaskError extends Error {
  override name = "TaskError";
}

/** The arguments; `names` are the positional ones, all needed. */
export function readArguments<Options extends ParseArgsOptionsConfig>(
  usage: string,
  { options, names = [] }: { options: Options; names?: string[] },
) {
  let parsed;
  try {
    parsed = parseArgs({ args: Deno.args, allowPositionals: true, options });
  } catch (error) {
    throw new TaskError(`${messageOf(error)}\n${usage}`);
  }
  const { values, positionals } = parsed;
  const { url, token } = values as { url?: string; token?: string };
  if (positionals.length !== names.length) throw new TaskError(usage);
  if (url !== undefined && !URL.canParse(url)) {
    throw new TaskError(`--url must be a URL, not "${url}".\n${usage}`);
  }
  if (token === "") throw new TaskError(`Give --token, or set ADMIN_TOKEN.\n${usage}`);
  return { values, positionals };
}

/**
 * Asks the server as the token's owner: `call` makes one request.
 * @throws {TaskError} with the problem it answered, or why there was no answer.
 */
export async function ask<T>(
  { url, token }: { url: string; token: string },
  call: (client: Client) => Promise<T>,
): Promise<T> {
  try {
    return await call(createClient(url, { token }));
  } catch (error) {
    if (error instanceof ProblemError) {
      const { status, detail, remedy, problem: { title } } = error;
      const lines = [title, detail, remedy].filter((line) => typeof line === "string");
      throw new TaskError(`${status} ${lines.join("\n")}`);
    }
    if (!(error instanceof TypeError)) throw error;
    throw new TaskError(`The server at ${url} could not be reached: ${messageOf(error)}`);
  }
}

/** Runs a task to its exit code; what it throws that is no bug is said on standard error. */
export async function runTask(task: () => Promise<number>): Promise<never> {
  try {
    Deno.exit(await task());
  } catch (error) {
    if (!(error instanceof TaskError)) throw error;
    console.error(error.message);
    Deno.exit(1);
  }
}

const encoder = new TextEncoder();
const visible = Deno.stderr.isTerminal();

/** Draws how far something is, on a terminal only. `share` is 0 to 1; null when nobody knows. */
export function drawProgress(share: number | null, text = ""): void {
  if (!visible) return;
  const bar = share === null
    ? ""
    : `${"█".repeat(Math.round(share * 30)).padEnd(30, "░")} ${
      (share * 100).toFixed(0).padStart(3)
    } % `;
  Deno.stderr.writeSync(encoder.encode(`\r${bar}${text}`));
}

export function endProgress(): void {
  if (visible) Deno.stderr.writeSync(encoder.encode("\n"));
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
