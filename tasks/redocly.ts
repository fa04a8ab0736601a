/**
 * The linter of contracts, which also tells what breaks clients between two of them. It comes by
 * `npm:` when it is asked for, because it is 15 MB that nothing else here needs.
 */
const CLI = "npm:@redocly/cli@2.77.0";

export interface Said {
  code: number;
  text: string;
  /** False when it could not be fetched. */
  isThere: boolean;
}

/** Runs it in the project's folder. It may read, and neither write nor speak to anybody. */
export async function redocly(...args: string[]): Promise<Said> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "--no-prompt", "--allow-read", "--allow-env", "--allow-sys", "--deny-net"],
      ...["--no-lock", "--no-config", CLI, ...args],
    ],
    cwd: new URL("../", import.meta.url),
    env: { NO_COLOR: "1", REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" },
  }).output();
  const text = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  const isAway = code !== 0 && /error sending request|Failed to fetch|npm registry/i.test(text);
  return { code, text, isThere: !isAway };
}
