import assert from "node:assert/strict";
import fc from "fast-check";
import { storedTimes } from "../../lifecycle/stored_times.ts";
import { resolveTimes, type TimeInput } from "../../lifecycle/time_input.ts";

/** What an export says of times that a request resolved. */
function exported(input: TimeInput) {
  const resolved = resolveTimes(input, null);
  if (resolved.outcome === "invalid") return null;
  const { times } = resolved;
  const said = {
    startDate: times.startText,
    endDate: times.endText,
    timeZone: times.timeZone,
    allDay: times.allDay,
  };
  return { times, said, instants: { startsAt: times.startDate, endsAt: times.endDate } };
}

function assertComesBack(input: TimeInput): void {
  const out = exported(input);
  assert.ok(out !== null, JSON.stringify(input));
  const taken = storedTimes(out.said, out.instants);
  assert.deepEqual(taken, { outcome: "taken", times: out.times });
}

for (
  const [name, input] of [
    ["an instant with offset", { startDate: "2026-12-05T19:30:00+05:45" }],
    ["a UTC instant", { startDate: "2026-12-05T19:30:00Z", endDate: "2026-12-05T20:00:00Z" }],
    ["an offset of minus zero", { startDate: "2026-12-05T19:30:00-00:00" }],
    ["milliseconds, and less", { startDate: "2026-12-05T19:30:00.1239999Z" }],
    ["a wall time", { startDate: "2026-12-05T19:30", timeZone: "Europe/Lisbon" }],
    [
      "a repeated hour",
      { startDate: "2026-10-25T01:30", timeZone: "Europe/London", disambiguation: "later" },
    ],
    ["an offset with seconds", { startDate: "1971-06-01T12:00", timeZone: "Africa/Monrovia" }],
    ["half an hour of summer time", {
      startDate: "2026-07-01T12:00",
      timeZone: "Australia/Lord_Howe",
    }],
    ["a day", { startDate: "2026-12-05" }],
    ["days", { startDate: "2026-12-05", endDate: "2026-12-07", timeZone: "Pacific/Kiritimati" }],
    ["the farthest west", {
      startDate: "2026-12-05",
      endDate: "2026-12-05",
      timeZone: "Etc/GMT+12",
    }],
    ["the day before a skipped one", {
      startDate: "2011-12-29",
      endDate: "2011-12-29",
      timeZone: "Pacific/Apia",
    }],
    ["the day after a skipped one", {
      startDate: "2011-12-31",
      endDate: "2011-12-31",
      timeZone: "Pacific/Apia",
    }],
    ["days around a skipped one", {
      startDate: "1993-08-20",
      endDate: "1993-08-22",
      timeZone: "Pacific/Kwajalein",
    }],
    ["a day whose midnight is skipped", {
      startDate: "2018-11-04",
      endDate: "2018-11-04",
      timeZone: "America/Sao_Paulo",
    }],
    ["the first day", {
      startDate: "1970-01-01",
      endDate: "1970-01-01",
      timeZone: "Pacific/Auckland",
    }],
    ["the last day", { startDate: "9998-12-31", endDate: "9998-12-31", timeZone: "Etc/GMT+12" }],
    ["a zone that is a link", { startDate: "2026-12-05T19:30", timeZone: "Asia/Calcutta" }],
  ] as const satisfies [string, TimeInput][]
) {
  Deno.test(`the stored times of ${name} come back as they were`, () => assertComesBack(input));
}

const ZONES = [...Intl.supportedValuesOf("timeZone"), "UTC", "Etc/GMT+12"];

Deno.test("whatever a request resolves to comes back as it was stored", () => {
  const wall = fc.date({
    min: new Date("1970-01-02"),
    max: new Date("2100-01-01"),
    noInvalidDate: true,
  })
    .map((date) => date.toISOString().slice(0, -1));
  const input = fc.record({
    wall,
    zone: fc.constantFrom(...ZONES),
    isDay: fc.boolean(),
    hours: fc.option(fc.integer({ min: 24, max: 500 })),
  });
  fc.assert(
    fc.property(input, ({ wall, zone, isDay, hours }) => {
      const start = Temporal.PlainDateTime.from(wall);
      const text = (time: Temporal.PlainDateTime) =>
        isDay ? time.toPlainDate().toString() : time.toString();
      const given: TimeInput = {
        startDate: text(start),
        ...(hours === null ? {} : { endDate: text(start.add({ hours })) }),
        timeZone: zone,
        disambiguation: "earlier",
      };
      // A day that the zone skipped is none.
      if (exported(given) !== null) assertComesBack(given);
    }),
    { numRuns: 500 },
  );
});

Deno.test("the instants are taken as they were when the zone's rules now say otherwise", () => {
  // As stored before the zone gave up its summer time: +04:00, where +03:00 is meanwhile the rule.
  const said = {
    startDate: "2026-07-01T12:00:00+04:00",
    endDate: "2026-07-01T14:00:00+04:00",
    timeZone: "Europe/Moscow",
  };
  const instants = {
    startsAt: Date.parse("2026-07-01T08:00:00Z"),
    endsAt: Date.parse("2026-07-01T10:00:00Z"),
  };
  const taken = storedTimes(said, instants);
  assert.ok(taken.outcome === "taken");
  assert.deepEqual([taken.times.startDate, taken.times.startText], [
    instants.startsAt,
    said.startDate,
  ]);
  const day = { startDate: "2026-07-01", endDate: "2026-07-01", timeZone: "Europe/Moscow" };
  const shifted = {
    startsAt: Date.parse("2026-06-30T20:00:00Z"),
    endsAt: Date.parse("2026-07-01T20:00:00Z"),
  };
  assert.equal(storedTimes(day, shifted).outcome, "taken");
});

Deno.test("a day without a zone is one of UTC, as in any request", () => {
  const startsAt = Date.parse("2026-12-05T00:00:00Z");
  const taken = storedTimes({ startDate: "2026-12-05" }, { startsAt, endsAt: null });
  assert.ok(taken.outcome === "taken");
  assert.equal(taken.times.timeZone, "UTC");
});

const at = (text: string) => Date.parse(text);
const START = { startDate: "2026-12-05T19:00:00Z" };
const STARTS = { startsAt: at("2026-12-05T19:00:00Z"), endsAt: null };

for (
  const [name, said, instants, field, code] of [
    ["no start", {}, STARTS, "start_date", "instant_mismatch"],
    [
      "another instant",
      START,
      { ...STARTS, startsAt: STARTS.startsAt + 1 },
      "start_date",
      "instant_mismatch",
    ],
    [
      "a local time",
      { startDate: "2026-12-05T19:00:00" },
      STARTS,
      "start_date",
      "instant_mismatch",
    ],
    ["no date", { startDate: "soon" }, STARTS, "start_date", "invalid_date"],
    [
      "a year before the range",
      { startDate: "0001-01-01T00:00:00Z" },
      { startsAt: at("0001-01-01T00:00:00Z"), endsAt: null },
      "start_date",
      "date_out_of_range",
    ],
    [
      "a year after the range",
      { startDate: "9999-01-01T00:00:00Z" },
      { startsAt: at("9999-01-01T00:00:00Z"), endsAt: null },
      "start_date",
      "date_out_of_range",
    ],
    [
      "a time said to be a day",
      { ...START, allDay: true },
      STARTS,
      "start_date",
      "instant_mismatch",
    ],
    [
      "a day a day too far",
      { startDate: "2026-12-05" },
      { startsAt: at("2026-12-06T00:00:00Z"), endsAt: null },
      "start_date",
      "instant_mismatch",
    ],
    [
      "an end without its instant",
      { ...START, endDate: "2026-12-05T20:00:00Z" },
      STARTS,
      "end_date",
      "instant_mismatch",
    ],
    [
      "an instant without its end",
      START,
      { ...STARTS, endsAt: STARTS.startsAt + 1 },
      "end_date",
      "instant_mismatch",
    ],
    [
      "an end at its start",
      { ...START, endDate: START.startDate },
      { ...STARTS, endsAt: STARTS.startsAt },
      "end_date",
      "instant_mismatch",
    ],
    [
      "a last day before the first",
      { startDate: "2026-12-05", endDate: "2026-12-04" },
      { startsAt: at("2026-12-05T00:00:00Z"), endsAt: at("2026-12-05T10:00:00Z") },
      "end_date",
      "instant_mismatch",
    ],
    [
      "a day for the end of a time",
      { ...START, endDate: "2026-12-06" },
      { ...STARTS, endsAt: at("2026-12-07T00:00:00Z") },
      "end_date",
      "instant_mismatch",
    ],
    [
      "a zone there is not",
      { ...START, timeZone: "Mars/Olympus" },
      STARTS,
      "time_zone",
      "unknown_time_zone",
    ],
  ] as const
) {
  Deno.test(`${name} is refused at ${field}`, () => {
    const outcome = storedTimes(said, instants);
    assert.ok(outcome.outcome === "invalid");
    assert.deepEqual([outcome.problem.field, outcome.problem.code], [field, code]);
  });
}
