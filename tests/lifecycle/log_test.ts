import assert from "node:assert/strict";
import { createLogger, LOG_LEVELS, type LoggerOptions, SILENT } from "../../lifecycle/log.ts";
import { NOW } from "../support/fixture.ts";

function aLog(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const log = createLogger({
    level: "debug",
    readable: false,
    timeZone: "Asia/Tokyo",
    write: (line) => lines.push(line),
    clock: () => NOW,
    ...options,
  });
  return { log, lines, parsed: () => lines.map((line) => JSON.parse(line)) };
}

Deno.test("createLogger() writes one JSON object a line", () => {
  const { log, lines } = aLog();
  log.info("run succeeded", { changed: 3, ok: true });
  assert.deepEqual(lines, [
    '{"time":"2026-12-05T18:00:00.000Z","level":"info","message":"run succeeded",' +
    '"changed":3,"ok":true}',
  ]);
});

Deno.test("createLogger() writes lines for people, in their time zone", () => {
  const { log, lines } = aLog({ readable: true });
  log.info("run succeeded", { job: "complete_events", changed: 3, planned: ["a"] });
  log.warn("late");
  log.error("lost", {});
  assert.deepEqual(lines, [
    '03:00:00 run succeeded  job=complete_events  changed=3  planned=["a"]',
    "03:00:00 WARN late",
    "03:00:00 ERROR lost",
  ]);
});

Deno.test("createLogger() leaves out what is below its level", () => {
  for (const [i, level] of LOG_LEVELS.entries()) {
    const { log, parsed } = aLog({ level });
    for (const each of LOG_LEVELS) log[each](`a ${each}`);
    assert.deepEqual(parsed().map((line) => line.level), LOG_LEVELS.slice(i), level);
  }
});

Deno.test("with() adds fields to every line of the new logger and none of the old", () => {
  const { log, parsed } = aLog();
  const bound = log.with({ job: "complete_events" }).with({ run_id: "run_1" });
  bound.debug("claimed", { run_id: "run_2", fence: 4 });
  log.debug("plain");
  const [first, second] = parsed();
  assert.deepEqual([first.job, first.run_id, first.fence], ["complete_events", "run_2", 4]);
  assert.deepEqual(Object.keys(second), ["time", "level", "message"]);
});

Deno.test("an error is logged whole, with what caused it", () => {
  const { log, parsed } = aLog();
  const cause = new TypeError("no tags");
  log.error("event set aside", { error: new Error("cannot complete", { cause }) });
  const [{ error }] = parsed();
  assert.match(error, /^Error: cannot complete\n {4}at /);
  assert.match(error, /\ncaused by TypeError: no tags\n {4}at /);
});

Deno.test("SILENT says nothing", () => {
  const { log: write } = console;
  const said: unknown[] = [];
  console.log = (line) => said.push(line);
  try {
    SILENT.error("lost", { error: new Error("lost") });
    SILENT.with({ job: "x" }).error("lost");
  } finally {
    console.log = write;
  }
  assert.deepEqual(said, []);
});
