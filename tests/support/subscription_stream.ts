/** One subscription's server-sent events, with the failures that are switched on. */
import type { ServerResponse } from "node:http";
import type { Cut, GatewayCounts, GatewaySwitches } from "./gateway_switches.ts";

export const EVENT_STREAM = { "content-type": "text/event-stream", "cache-control": "no-cache" };

export interface StreamDeps {
  switches: GatewaySwitches;
  counts: GatewayCounts;
  /** The next random number, 0 to 1. */
  draw: () => number;
  /** How often a stream says that it is alive. */
  keepAliveMs: number;
}

export class SubscriptionStream {
  #isCut = false;
  #sent = 0;
  #lastLine = "";
  #timers: ReturnType<typeof setTimeout>[] = [];

  constructor(readonly response: ServerResponse, readonly deps: StreamDeps) {
    response.once("close", () => this.#timers.forEach(clearTimeout));
  }

  /** Begins the stream, and says what it is subscribed to. */
  acknowledge(line: string): void {
    if (!this.response.headersSent) this.#begin();
    if (!this.#isCut && !this.deps.switches.isSilent) this.#write(line);
  }

  message(line: string): void {
    const { switches, counts, draw } = this.deps;
    if (this.#isCut) return;
    if (switches.isSilent || draw() < switches.lostShare) {
      counts.lost++;
      return;
    }
    this.#write(line);
    counts.delivered++;
    this.#sent++;
    const { cutAfterMessages } = switches;
    if (cutAfterMessages !== null && this.#sent >= cutAfterMessages) this.cut();
  }

  cut(how: Cut = this.deps.switches.cut): void {
    const { response } = this;
    if (this.#isCut) return;
    this.#isCut = true;
    this.deps.counts.cuts++;
    if (how === "half_line") {
      response.write(`data: ${this.#lastLine.slice(0, this.#lastLine.length / 2)}`);
    }
    if (how !== "break") return void response.end();
    // Once what was said before is under way, which breaking off would lose.
    response.write(":", () => response.destroy());
  }

  #begin(): void {
    const { switches, keepAliveMs } = this.deps;
    this.response.writeHead(200, EVENT_STREAM);
    this.response.flushHeaders();
    const keepAlive = () => {
      if (!this.#isCut && !switches.isSilent) this.response.write(": keep-alive\n\n");
    };
    this.#timers.push(setInterval(keepAlive, keepAliveMs));
    if (switches.cutAfterMs !== null) {
      this.#timers.push(setTimeout(() => this.cut(), switches.cutAfterMs));
    }
  }

  #write(line: string): void {
    this.#lastLine = line;
    this.response.write(`data: ${line}\n\n`);
  }
}
