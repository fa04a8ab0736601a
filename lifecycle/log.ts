/**
 * The log: one record per line, readable on a terminal, JSON otherwise. Fields such as `request_id`
 * and `run_id` tie lines together.
 */

export const LOG_LEVELS = ["debug", "info", "warn", "error"] as const;
export type LogLevel = typeof LOG_LEVELS[number];
export type LogFields = Record<string, unknown>;

export interface Logger {
  debug(message: string, fields?: LogFields): void;
  info(message: string, fields?: LogFields): void;
  warn(message: string, fields?: LogFields): void;
  error(message: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  with(fields: LogFields): Logger;
}

export interface LoggerOptions {
  level: LogLevel;
  /** Lines for people instead of JSON. */
  readable: boolean;
  /** IANA zone of the readable lines' times. */
  timeZone: string;
  write?: (line: string) => void;
  clock?: () => number;
}

export function createLogger(options: LoggerOptions): Logger {
  const { level, readable, timeZone, write = console.log, clock = Date.now } = options;
  const lowest = LOG_LEVELS.indexOf(level);
  // Not made for JSON: the first one of a process loads the zones, a tenth of a start.
  const time = readable
    ? new Intl.DateTimeFormat("en-GB", { timeStyle: "medium", timeZone })
    : null;

  function lineOf(level: LogLevel, message: string, fields: LogFields): string {
    const all = Object.fromEntries(
      Object.entries(fields).map(([key, value]) => [key, plain(value)]),
    );
    if (time === null) {
      return JSON.stringify({ time: new Date(clock()).toISOString(), level, message, ...all });
    }
    const pairs = Object.entries(all).map(([key, value]) =>
      `${key}=${typeof value === "string" ? value : JSON.stringify(value)}`
    );
    const mark = level === "info" ? "" : `${level.toUpperCase()} `;
    return [`${time.format(clock())} ${mark}${message}`, ...pairs].join("  ");
  }

  return new BoundLogger({
    lowest,
    write: (level, message, fields) => write(lineOf(level, message, fields)),
  }, {});
}

interface Sink {
  /** The index of the lowest level that is written. */
  lowest: number;
  write: (level: LogLevel, message: string, fields: LogFields) => void;
}

/** A class and not a record of functions, because every request makes one. */
class BoundLogger implements Logger {
  readonly #sink: Sink;
  readonly #bound: LogFields;

  constructor(sink: Sink, bound: LogFields) {
    this.#sink = sink;
    this.#bound = bound;
  }

  debug(message: string, fields?: LogFields): void {
    this.#log("debug", message, fields);
  }

  info(message: string, fields?: LogFields): void {
    this.#log("info", message, fields);
  }

  warn(message: string, fields?: LogFields): void {
    this.#log("warn", message, fields);
  }

  error(message: string, fields?: LogFields): void {
    this.#log("error", message, fields);
  }

  with(fields: LogFields): Logger {
    return new BoundLogger(this.#sink, { ...this.#bound, ...fields });
  }

  #log(level: LogLevel, message: string, fields: LogFields | undefined): void {
    if (LOG_LEVELS.indexOf(level) < this.#sink.lowest) return;
    this.#sink.write(level, message, { ...this.#bound, ...fields });
  }
}

/** For tests and tools that say nothing. */
export const SILENT: Logger = createLogger({
  level: "error",
  readable: false,
  timeZone: "UTC",
  write: () => {},
});

function plain(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return value.cause === undefined
    ? value.stack ?? String(value)
    : `${value.stack ?? value}\ncaused by ${plain(value.cause)}`;
}
