/**
 * Server-sent events as a browser takes them (HTML Living Standard, section 9.2): a parser, a reader
 * of one answer, and a client that comes back with the last id.
 */

/** What stands between two empty lines. */
export interface SseFrame {
  /** `message` unless the frame names another. */
  event: string;
  /** The last id, also when this frame brought none; empty before the first one. */
  id: string;
  /** Null: the frame has none, and a browser shows it to nobody. */
  data: string | null;
  /** Milliseconds; null unless this frame says so. */
  retry: number | null;
  /** Lines that begin with a colon, without it. */
  comments: string[];
}

/** Takes text in whatever pieces it comes; gives the frames that are whole. */
export class SseParser {
  /** The last id of all frames that were whole. */
  lastId: string;
  #id: string;
  #rest = "";
  #endedInReturn = false;
  #isFirst = true;
  #data: string[] = [];
  #event = "";
  #retry: number | null = null;
  #comments: string[] = [];
  #isEmpty = true;

  constructor(lastId = "") {
    this.lastId = this.#id = lastId;
  }

  push(text: string): SseFrame[] {
    const frames: SseFrame[] = [];
    let from = 0;
    if (this.#isFirst && text !== "") {
      this.#isFirst = false;
      if (text.startsWith("\ufeff")) from = 1;
    }
    // A return at the end of one piece and a feed at the start of the next are one end of a line.
    if (this.#endedInReturn && text.startsWith("\n")) from = 1;
    if (text !== "") this.#endedInReturn = text.endsWith("\r");
    const ends = /\r\n|\n|\r/g;
    ends.lastIndex = from;
    for (let end = ends.exec(text); end !== null; end = ends.exec(text)) {
      const line = this.#rest + text.slice(from, end.index);
      this.#rest = "";
      from = ends.lastIndex;
      const frame = line === "" ? this.#dispatch() : this.#field(line);
      if (frame !== null) frames.push(frame);
    }
    this.#rest += text.slice(from);
    return frames;
  }

  #field(line: string): null {
    this.#isEmpty = false;
    const colon = line.indexOf(":");
    if (colon === 0) {
      this.#comments.push(line.slice(1));
      return null;
    }
    const name = colon === -1 ? line : line.slice(0, colon);
    const value = colon === -1 ? "" : line.slice(colon + (line[colon + 1] === " " ? 2 : 1));
    if (name === "data") this.#data.push(value);
    else if (name === "event") this.#event = value;
    else if (name === "id" && !value.includes("\0")) this.#id = value;
    else if (name === "retry" && /^\d+$/.test(value)) this.#retry = Number(value);
    return null;
  }

  #dispatch(): SseFrame | null {
    const isEmpty = this.#isEmpty;
    this.lastId = this.#id;
    const frame: SseFrame = {
      event: this.#event === "" ? "message" : this.#event,
      id: this.#id,
      data: this.#data.length === 0 ? null : this.#data.join("\n"),
      retry: this.#retry,
      comments: this.#comments,
    };
    this.#data = [];
    this.#event = "";
    this.#retry = null;
    this.#comments = [];
    this.#isEmpty = true;
    return isEmpty ? null : frame;
  }
}

/** The frames of one answer, those without data too; what is left unfinished at its end is none. */
export class SseFrames implements AsyncIterableIterator<SseFrame> {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  // The parser itself takes away the mark at the start.
  readonly #decoder = new TextDecoder("utf-8", { ignoreBOM: true });
  readonly #parser: SseParser;
  #ready: SseFrame[] = [];

  constructor(response: Response, lastId = "") {
    this.#reader = response.body!.getReader();
    this.#parser = new SseParser(lastId);
  }

  /** With it a browser would come back. */
  get lastId(): string {
    return this.#parser.lastId;
  }

  async next(): Promise<IteratorResult<SseFrame, undefined>> {
    for (;;) {
      const frame = this.#ready.shift();
      if (frame !== undefined) return { done: false, value: frame };
      const { done, value } = await this.#reader.read();
      if (done) return { done: true, value: undefined };
      this.#ready = this.#parser.push(this.#decoder.decode(value, { stream: true }));
    }
  }

  /** The next frame that a browser would show; throws at the end. */
  async message(): Promise<SseFrame> {
    for (;;) {
      const { done, value } = await this.next();
      if (done) throw new Error("the stream has ended");
      if (value.data !== null) return value;
    }
  }

  /** Hangs up, also while a frame is waited for: that wait comes to the end. */
  async return(): Promise<IteratorResult<SseFrame, undefined>> {
    await this.#reader.cancel().catch(() => {});
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }
}

/** The answer to a client was no stream. */
export class SseRefused extends Error {
  constructor(readonly status: number, readonly body: string) {
    super(`the stream was refused with ${status}: ${body}`);
  }
}

export interface SseClientOptions {
  lastId?: string;
  /** Milliseconds before it comes back; what the stream says unless given. */
  retryMs?: number;
  /** Comes back after 429 and 5xx too; a browser gives up. */
  isPatient?: boolean;
}

/**
 * Like a browser's `EventSource`: gives the frames with data, and after each end or break of the
 * stream asks again with the last id. What is no stream throws {@linkcode SseRefused}.
 */
export class SseClient implements AsyncIterableIterator<SseFrame> {
  /** How often it was connected. */
  connections = 0;
  readonly #open: (headers: Record<string, string>) => Promise<Response>;
  readonly #options: SseClientOptions;
  #lastId: string;
  #retryMs = 3_000;
  #frames: SseFrames | null = null;
  #isClosed = false;
  #endWait: () => void = () => {};

  /** @param open sends the request, with these headers among its own. */
  constructor(
    open: (headers: Record<string, string>) => Promise<Response>,
    options: SseClientOptions = {},
  ) {
    this.#open = open;
    this.#options = options;
    this.#lastId = options.lastId ?? "";
  }

  get lastId(): string {
    return this.#frames?.lastId ?? this.#lastId;
  }

  /** The next frame with data, over as many connections as it takes; done after `return`. */
  async next(): Promise<IteratorResult<SseFrame, undefined>> {
    while (!this.#isClosed) {
      const frames = this.#frames ??= await this.#connect();
      const read = await frames?.next().catch(() => null);
      if (read && !read.done) {
        if (read.value.retry !== null) this.#retryMs = read.value.retry;
        if (read.value.data !== null) return read;
        continue;
      }
      if (frames !== null) this.#lastId = frames.lastId;
      this.#frames = null;
      await this.#wait();
    }
    return { done: true, value: undefined };
  }

  /** Breaks the connection off; `next` comes back with the last id. */
  async cut(): Promise<void> {
    await this.#frames?.return();
  }

  /** Ends it for good, also while a frame is waited for. */
  async return(): Promise<IteratorResult<SseFrame, undefined>> {
    this.#isClosed = true;
    this.#endWait();
    await this.cut();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.return();
  }

  /** Null when the server could not be reached, or a patient one is to try again. */
  async #connect(): Promise<SseFrames | null> {
    const lastId = this.#lastId;
    let response: Response;
    try {
      response = await this.#open({
        accept: "text/event-stream",
        ...(lastId === "" ? {} : { "last-event-id": lastId }),
      });
    } catch {
      return null;
    }
    const { status, headers } = response;
    const isStream = /^text\/event-stream(;|$)/.test(headers.get("content-type") ?? "");
    if (status === 200 && isStream) {
      this.connections++;
      const frames = new SseFrames(response, lastId);
      if (this.#isClosed) await frames.return();
      return frames;
    }
    const body = await response.text().catch(() => "");
    if (this.#options.isPatient && (status === 429 || status >= 500)) return null;
    this.#isClosed = true;
    throw new SseRefused(status, body);
  }

  #wait(): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#options.retryMs ?? this.#retryMs);
      this.#endWait = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
