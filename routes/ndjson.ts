/** Reading newline-delimited JSON from a stream, one line in memory at a time. */
import { GrowingBytes, piecesOf } from "./request_body.ts";

export type NdjsonLine =
  | { line: number; outcome: "text"; text: string }
  | { line: number; outcome: "too_long" }
  | { line: number; outcome: "not_utf8" }
  | { line: number; outcome: "broken_off" };

const LINE_FEED = 10;

/**
 * The lines of a byte stream; blank ones are passed over but counted. A line of more than
 * `maxBytes` is dropped as it arrives. `broken_off` is the last line of a stream that failed, so
 * that the lines before it are not lost with it.
 */
export async function* readLines(
  stream: ReadableStream<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<NdjsonLine> {
  let line = 0;
  /** The beginning of a line whose end is not there yet. */
  const begun = new GrowingBytes();
  let isTooLong = false;
  const take = (end: Uint8Array): NdjsonLine | null => {
    line++;
    // Most lines are whole in the piece they come in, and are not copied.
    if (begun.length > 0) keep(end);
    const isDropped = isTooLong || end.length > maxBytes;
    const bytes = begun.length > 0 ? begun.view : end;
    const taken = isDropped ? { line, outcome: "too_long" as const } : lineOf(line, bytes);
    if (begun.length > 0) begun.drop();
    isTooLong = false;
    return taken;
  };
  try {
    for await (const piece of piecesOf(stream)) {
      let from = 0;
      for (let to = piece.indexOf(LINE_FEED); to !== -1; to = piece.indexOf(LINE_FEED, from)) {
        const taken = take(piece.subarray(from, to));
        if (taken !== null) yield taken;
        from = to + 1;
      }
      keep(piece.subarray(from));
    }
  } catch {
    yield { line: line + 1, outcome: "broken_off" };
    return;
  }
  const last = begun.length > 0 || isTooLong ? take(new Uint8Array(0)) : null;
  if (last !== null) yield last;

  function keep(part: Uint8Array): void {
    if (begun.length + part.length > maxBytes) isTooLong = true;
    if (isTooLong) begun.drop();
    else begun.add(part);
  }
}

function lineOf(line: number, bytes: Uint8Array): NdjsonLine | null {
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    return text.trim() === "" ? null : { line, outcome: "text", text };
  } catch {
    return { line, outcome: "not_utf8" };
  }
}
