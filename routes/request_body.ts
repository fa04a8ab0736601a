/** Reading a request's body, whatever its sender does: at no time much memory, and never all the time. */
import { DomainError } from "../kv/errors.ts";

/** Pieces that are taken in a row before others have their turn. */
const PIECES_AT_ONCE = 256;

/**
 * The pieces of a body as they come. Those that are there already are handed out without a turn for
 * anybody else, so a body of very many tiny ones would stop the whole program for seconds.
 */
export async function* piecesOf(
  body: ReadableStream<Uint8Array>,
): AsyncGenerator<Uint8Array, void> {
  let count = 0;
  for await (const piece of body) {
    yield piece;
    if (++count % PIECES_AT_ONCE === 0) await new Promise((resolve) => setTimeout(resolve));
  }
}

const FIRST_LENGTH = 4 * 1024;

/**
 * Bytes that come piece by piece, in one buffer that grows. The pieces themselves are not kept: a
 * hundred thousand of one byte each take the collector a minute.
 */
export class GrowingBytes {
  #buffer = new Uint8Array(0);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What was added so far; good until more is added, or all is dropped. */
  get view(): Uint8Array<ArrayBuffer> {
    return this.#buffer.subarray(0, this.#length);
  }

  add(piece: Uint8Array): void {
    const length = this.#length + piece.length;
    if (length > this.#buffer.length) {
      const larger = new Uint8Array(Math.max(length, 2 * this.#buffer.length, FIRST_LENGTH));
      larger.set(this.view);
      this.#buffer = larger;
    }
    this.#buffer.set(piece, this.#length);
    this.#length = length;
  }

  /** Forgets all of it, and gives back what it took. */
  drop(): void {
    this.#buffer = new Uint8Array(0);
    this.#length = 0;
  }
}

/** @throws {DomainError} `payload_too_large`; `malformed_json` for a body that breaks off. */
export async function readBounded(
  request: Request,
  maxBytes: number,
): Promise<Uint8Array> {
  if (Number(request.headers.get("content-length")) > maxBytes) throw tooLarge(maxBytes);
  const bytes = new GrowingBytes();
  if (request.body === null) return bytes.view;
  try {
    for await (const piece of piecesOf(request.body)) {
      if (bytes.length + piece.length > maxBytes) throw tooLarge(maxBytes);
      bytes.add(piece);
    }
  } catch (error) {
    if (error instanceof DomainError) throw error;
    // No bug of ours.
    throw new DomainError("malformed_json", "The body broke off before its end.");
  }
  return bytes.view;
}

function tooLarge(maxBytes: number): DomainError {
  return new DomainError(
    "payload_too_large",
    `The body is larger than ${maxBytes / 1024} KiB.`,
  );
}
