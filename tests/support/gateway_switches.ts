/** How the tests' Upstash fails, as a test sets it while it runs, and what it counts. */

/**
 * What is sent in place of the true answer, and nothing is done: an error of that status, a page of
 * HTML with status 200, a 200 whose body ends in the middle of a line, or a broken connection.
 */
export type Refusal = 401 | 429 | 503 | "html" | "half_line" | "broken";

/**
 * How a subscription's stream ends: as if all was said, in the middle of a line, or with the
 * connection, which the reader is told as an error.
 */
export type Cut = "end" | "half_line" | "break";

/** All off at first. A change counts from the next request or message on. */
export interface GatewaySwitches {
  refuseCommands: Refusal | null;
  refuseSubscriptions: Refusal | null;
  /** How long each answer waits, in milliseconds. */
  delayMs: number;
  /**
   * How many more answers to commands never come: the commands are done, then the connection breaks.
   * Deno's `fetch` sends such a request again by itself, once, if it was not the connection's first.
   */
  repliesToCut: number;
  /** The share of messages, 0 to 1, that reach a subscription's stream never. */
  lostShare: number;
  /** Cuts each subscription this long after it began, if it begins while this is set. */
  cutAfterMs: number | null;
  /** Cuts each subscription once that many messages were sent on it. */
  cutAfterMessages: number | null;
  /** How streams are cut, also those whose connection to Redis is lost. */
  cut: Cut;
  /** Streams stay open, new ones too, but say nothing; what they would have said is lost. */
  isSilent: boolean;
}

export function allOff(): GatewaySwitches {
  return {
    refuseCommands: null,
    refuseSubscriptions: null,
    delayMs: 0,
    repliesToCut: 0,
    lostShare: 0,
    cutAfterMs: null,
    cutAfterMessages: null,
    cut: "end",
    isSilent: false,
  };
}

/** What was seen since the start. */
export class GatewayCounts {
  /** HTTP requests, whatever became of them. */
  requests = 0;
  /** Requests answered with a refusal. */
  refused = 0;
  /** Answers cut off after their commands were done. */
  cutReplies = 0;
  /** Subscriptions that were opened. */
  subscribed = 0;
  /** Subscriptions whose stream was cut. */
  cuts = 0;
  /** Messages sent to subscriptions. */
  delivered = 0;
  /** Messages that a switch kept from a subscription. */
  lost = 0;
  /** The commands that Redis was given, by their names in capitals. */
  readonly commands: Record<string, number> = {};

  get publishes(): number {
    return this.commands.PUBLISH ?? 0;
  }

  addCommand(name: string): void {
    this.commands[name] = (this.commands[name] ?? 0) + 1;
  }
}
