/** Writing the contract to its file, unless that would break clients. */
import { redocly } from "./redocly.ts";
import { TaskError } from "./server.ts";

export interface WriteOptions {
  /** Whether clients may be broken. */
  isBreaking: boolean;
}

/**
 * Writes `text` to the file at `path`. What stood there is compared with it first.
 * @throws {TaskError} with what would break clients; the file is then as it was.
 */
export async function writeContract(
  path: string,
  text: string,
  { isBreaking }: WriteOptions,
): Promise<void> {
  const before = await Deno.readTextFile(path).catch(() => null);
  if (before === text) return;
  if (before !== null && !isBreaking) await requireCompatible(path, text);
  await Deno.writeTextFile(path, text);
}

async function requireCompatible(path: string, text: string): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await Deno.writeTextFile(`${folder}/new.json`, text);
    await Deno.writeTextFile(`${folder}/redocly.yaml`, "extends: [diff-recommended]\n");
    const { code, text: said, isThere } = await redocly(
      ...["diff", path, `${folder}/new.json`, "--config", `${folder}/redocly.yaml`],
      // Answers may say what is new: clients pass over values that they do not know.
      ...["--skip-rule", "enum-values-added"],
    );
    if (!isThere) {
      throw new TaskError(
        `npm cannot be reached, so nobody has looked whether this breaks clients:\n${said}\n` +
          "Nothing was written; --breaking writes it all the same.",
      );
    }
    if (code === 0) return;
    throw new TaskError(
      `${said}\nNothing was written: this would break clients, and within /v1 things are only ` +
        "ever added. --breaking writes it all the same.",
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}
