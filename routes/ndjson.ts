/** Reading newline-delimited JSON from a stream, one line in memory at a time. */

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
  let parts: Uint8Array[] = [];
  let size = 0;
  const take = (): NdjsonLine | null => {
    line++;
    const taken = size > maxBytes ? { line, outcome: "too_long" as const } : lineOf(line, parts);
    parts = [];
    size = 0;
    return taken;
  };
  try {
    for await (const chunk of stream) {
      let from = 0;
      for (let to = chunk.indexOf(LINE_FEED); to !== -1; to = chunk.indexOf(LINE_FEED, from)) {
        keep(chunk.subarray(from, to));
        const taken = take();
        if (taken !== null) yield taken;
        from = to + 1;
      }
      keep(chunk.subarray(from));
    }
  } catch {
    yield { line: line + 1, outcome: "broken_off" };
    return;
  }
  const last = size > 0 ? take() : null;
  if (last !== null) yield last;

  function keep(part: Uint8Array): void {
    size += part.length;
    if (size <= maxBytes) parts.push(part);
    else parts = [];
  }
}

function lineOf(line: number, parts: Uint8Array[]): NdjsonLine | null {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  try {
    const text = parts.map((part) => decoder.decode(part, { stream: true })).join("") +
      decoder.decode();
    return text.trim() === "" ? null : { line, outcome: "text", text };
  } catch {
    return { line, outcome: "not_utf8" };
  }
}
