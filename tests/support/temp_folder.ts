/**
 * Folders for the files of tests: in memory where the system has room there. What is tested is the
 * program, and every commit to a file would wait for the disk, which several tests share.
 */
import { statfsSync } from "node:fs";

/** A file system in memory that many systems have; containers have little in it, though. */
const MEMORY = "/dev/shm";
/** More than all the files of the full suite at once. */
const ENOUGH_BYTES = 4 * 2 ** 30;

/** A new folder, to be removed by whoever asked. */
export function tempFolder(): Promise<string> {
  const place = hasRoom(MEMORY) ? { dir: MEMORY } : {};
  return Deno.makeTempDir({ ...place, prefix: "curtain-test-" });
}

/** Lets `use` have a folder of its own, which is removed afterwards. */
export async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await tempFolder();
  try {
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function hasRoom(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize > ENOUGH_BYTES;
  } catch {
    return false;
  }
}
