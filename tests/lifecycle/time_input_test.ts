import assert from "node:assert/strict";
import fc from "fast-check";
import type { EventRecord, EventTimes } from "../../kv/event_record.ts";
import { resolveTimes, type TimeInput, type TimeProblem } from "../../lifecycle/time_input.ts";

const LISBON = "Europe/Lisbon";
const APIA = "Pacific/Apia";
const LOS_ANGELES = "America/Los_Angeles";
const SKIPPED = "2026-03-29T01:30";
const REPEATED = "2026-10-25T01:30";

function times(input: TimeInput, stored: EventTimes | null = null): EventTimes {
  const result = resolveTimes(input, stored);
  assert.equal(result.outcome, "resolved", JSON.stringify(result));
  return (result as { times: EventTimes }).times;
}

function problems(input: TimeInput, stored: EventTimes | null = null): TimeProblem[] {
  const result = resolveTimes(input, stored);
  assert.equal(result.outcome, "invalid", JSON.stringify(result));
  return (result as { problems: TimeProblem[] }).problems;
}

function only(input: TimeInput, stored: EventTimes | null = null): TimeProblem {
  const found = problems(input, stored);
  assert.equal(found.length, 1, JSON.stringify(found));
  return found[0]!;
}

function places(input: TimeInput, stored: EventTimes | null = null): string[] {
  return problems(input, stored).map(({ field, code }) => `${field} ${code}`);
}

const ms = Date.parse;

const IN_LISBON = times({
  startDate: "2026-12-05T19:30",
  endDate: "2026-12-05T22:00",
  timeZone: LISBON,
});
const OPEN_ENDED = times({ startDate: "2026-12-05T19:30", timeZone: LISBON });
const WITHOUT_ZONE = times({
  startDate: "2026-12-05T19:30:00+02:00",
  endDate: "2026-12-05T22:00:00+03:00",
});
const DAYS = times({ startDate: "2026-11-20", endDate: "2026-11-23", timeZone: LOS_ANGELES });

Deno.test("resolveTimes() takes an instant, a local time and a day", () => {
  const at = ms("2026-12-05T19:30:00Z");
  assert.equal(times({ startDate: "2026-12-05T20:30:00+01:00" }).startDate, at);
  assert.equal(times({ startDate: "2026-12-05T19:30", timeZone: LISBON }).startDate, at);
  assert.equal(times({ startDate: "2026-12-05" }).startDate, ms("2026-12-05T00:00:00Z"));
});

Deno.test("resolveTimes() takes lower-case t and z, and times without seconds", () => {
  for (const startDate of ["2026-12-05t19:30z", "2026-12-05T19:30Z", "2026-12-05T21:30+02:00"]) {
    assert.equal(times({ startDate }).startDate, ms("2026-12-05T19:30:00Z"), startDate);
  }
});

Deno.test("resolveTimes() refuses every other string and shows the three forms", () => {
  const refused = [
    ...["", " ", "tomorrow", "2026", "2026-12", "2026-12-5", "20261205", "+002026-12-05"],
    ...["2026-12-05 19:30", "2026-12-05T19", "2026-12-05T1930", "2026-12-05T19:30:00,5"],
    ...["2026-12-05T19:30:00.", "2026-12-05T19:30.5", "2026-12-05T19:30:00+01", "2026-12-05Z"],
    ...["2026-12-05T19:30:00+0100", "2026-12-05T19:30:00+01:00[Europe/Paris]", "2026-12-05\n"],
    ...[" 2026-12-05", "2026-12-05T19:30:00−01:00", "2026-12-05T19:30:00 Z", "٢٠٢٦-12-05"],
  ];
  for (const startDate of refused) {
    const { field, code, detail } = only({ startDate, timeZone: LISBON });
    assert.deepEqual([field, code], ["start_date", "invalid_date"], startDate);
    assert.match(detail, /day "2026.*local time "2026.*instant "2026/);
  }
});

Deno.test("resolveTimes() refuses dates and times that do not exist anywhere", () => {
  const refused = [
    ...["2026-02-30", "2026-02-29", "2026-04-31", "2026-13-01", "2026-00-01", "2026-12-00"],
    ...["2026-12-32", "2026-12-05T24:00", "2026-12-05T19:60", "2026-12-05T19:30:60Z"],
    ...["2026-12-05T19:30+24:00", "2026-12-05T19:30+01:60", "2026-02-30T10:00Z"],
  ];
  for (const startDate of refused) {
    assert.equal(only({ startDate, timeZone: LISBON }).code, "invalid_date", startDate);
  }
  assert.equal(times({ startDate: "2028-02-29" }).startText, "2028-02-29");
});

Deno.test("resolveTimes() quotes a long value shortened and escaped", () => {
  const { detail } = only({ startDate: "x\n".repeat(10_000) });
  assert.ok(detail.length < 300);
  assert.ok(detail.includes(String.raw`"x\nx\n`) && detail.includes("…"));
});

Deno.test("resolveTimes() takes the years 1970 to 9998", () => {
  for (const startDate of ["1970-01-01", "1970-01-01T00:00Z", "9998-12-31", "9998-12-31T23:59Z"]) {
    times({ startDate });
  }
  const refused = ["1969-12-31", "1969-12-31T23:59:59.999Z", "9999-01-01", "9999-01-01T00:00Z"];
  for (const startDate of [...refused, "0000-01-01", "9999-01-01T00:00"]) {
    assert.deepEqual(places({ startDate }), ["start_date date_out_of_range"], startDate);
  }
  assert.deepEqual(places({ startDate: "2026-01-01", endDate: "9999-01-01" }), [
    "end_date date_out_of_range",
  ]);
});

Deno.test("resolveTimes() refuses an instant whose year in the zone is out of range", () => {
  assert.equal(
    only({ startDate: "1970-01-01T00:00Z", timeZone: LOS_ANGELES }).code,
    "date_out_of_range",
  );
  assert.equal(
    only({ startDate: "9998-12-31T23:59Z", timeZone: "Asia/Kathmandu" }).code,
    "date_out_of_range",
  );
});

Deno.test("resolveTimes() lets the last day of the range end in any zone", () => {
  const { endDate, endText } = times({
    startDate: "9998-12-31",
    endDate: "9998-12-31",
    timeZone: "Etc/GMT+12",
  });
  assert.equal(endText, "9998-12-31");
  assert.equal(endDate, ms("9999-01-01T12:00:00Z"));
});

Deno.test("resolveTimes() renders seconds always and milliseconds only when there are some", () => {
  const text = (startDate: string) => times({ startDate }).startText;
  assert.equal(text("2026-12-05T19:30Z"), "2026-12-05T19:30:00+00:00");
  assert.equal(text("2026-12-05T19:30:00.000Z"), "2026-12-05T19:30:00+00:00");
  assert.equal(text("2026-12-05T19:30:00.5Z"), "2026-12-05T19:30:00.500+00:00");
  assert.equal(text("2026-12-05T19:30:00.007Z"), "2026-12-05T19:30:00.007+00:00");
});

Deno.test("resolveTimes() drops the digits below a millisecond", () => {
  const dropped = times({ startDate: "2026-12-05T19:30:59.9999999999999Z" });
  assert.equal(dropped.startText, "2026-12-05T19:30:59.999+00:00");
  assert.equal(dropped.startDate, ms("2026-12-05T19:30:59.999Z"));
  const whole = times({ startDate: "2026-12-05T19:30:00.0009Z" });
  assert.equal(whole.startText, "2026-12-05T19:30:00+00:00");
});

Deno.test("resolveTimes() renders the nearest offset where a zone's has seconds", () => {
  const input = { startDate: "1971-01-06T00:00:00Z", timeZone: "Africa/Monrovia" };
  const { startText, startDate } = times(input);
  assert.equal(startText, "1971-01-05T23:15:00-00:45");
  assert.equal(ms(startText), startDate);
});

Deno.test("resolveTimes() stores a zone's name in its canonical case and follows no link", () => {
  const zone = (timeZone: string) => times({ startDate: "2026-12-05", timeZone }).timeZone;
  assert.equal(zone("europe/lisbon"), LISBON);
  assert.equal(zone("utc"), "UTC");
  assert.equal(zone("asia/calcutta"), "Asia/Calcutta");
  assert.equal(zone("Asia/Kolkata"), "Asia/Kolkata");
  assert.equal(zone("Etc/GMT+3"), "Etc/GMT+3");
});

Deno.test("resolveTimes() refuses offsets and unknown names as zones", () => {
  const refused = [
    ...["", " ", "+02:00", "-0300", "Z", "UTC+1", "Mars/Phobos", "Europe/Lisbon ", "Europe"],
    ...[
      "Europe/Lisbon\n",
      "2026-01-01T00:00[Europe/Paris]",
      "2026-01-01T00:00Z",
      "é",
      "a".repeat(9999),
    ],
  ];
  for (const timeZone of refused) {
    const { field, code, detail } = only({ startDate: "2026-12-05T19:30", timeZone });
    assert.deepEqual([field, code], ["time_zone", "unknown_time_zone"], timeZone);
    assert.ok(detail.length < 200);
  }
});

Deno.test("resolveTimes() renders an instant in the zone", () => {
  assert.deepEqual(times({ startDate: "2026-12-05T13:45:00Z", timeZone: "Asia/Kathmandu" }), {
    allDay: false,
    timeZone: "Asia/Kathmandu",
    startDate: ms("2026-12-05T13:45:00Z"),
    endDate: null,
    startText: "2026-12-05T19:30:00+05:45",
    endText: null,
  });
});

Deno.test("resolveTimes() refuses an offset that the zone does not have then, and names its own", () => {
  const { field, code, detail } = only({
    startDate: "2026-07-05T19:30:00+00:00",
    timeZone: LISBON,
  });
  assert.deepEqual([field, code], ["start_date", "offset_contradicts_zone"]);
  assert.match(detail, /\+00:00.*Europe\/Lisbon is \+01:00/);
  const nearly = { startDate: "2026-12-05T19:30:00+05:30", timeZone: "Asia/Kathmandu" };
  assert.equal(only(nearly).code, "offset_contradicts_zone");
  times({ startDate: "2026-12-05T19:30:00+05:45", timeZone: "Asia/Kathmandu" });
});

Deno.test("resolveTimes() takes Z and -00:00 with any zone", () => {
  for (const startDate of ["2026-07-05T19:30:00Z", "2026-07-05T19:30:00-00:00"]) {
    const { startText } = times({ startDate, timeZone: LISBON });
    assert.equal(startText, "2026-07-05T20:30:00+01:00");
  }
});

Deno.test("resolveTimes() takes both offsets of a repeated hour, and neither of a skipped one", () => {
  for (const offset of ["+00:00", "+01:00"]) {
    const startDate = `2026-10-25T01:30:00${offset}`;
    assert.equal(times({ startDate, timeZone: LISBON }).startText, startDate);
    assert.equal(
      only({ startDate: `2026-03-29T01:30:00${offset}`, timeZone: LISBON }).code,
      "offset_contradicts_zone",
    );
  }
});

Deno.test("resolveTimes() keeps the given offsets when there is no zone", () => {
  assert.deepEqual(WITHOUT_ZONE, {
    allDay: false,
    timeZone: null,
    startDate: ms("2026-12-05T17:30:00Z"),
    endDate: ms("2026-12-05T19:00:00Z"),
    startText: "2026-12-05T19:30:00+02:00",
    endText: "2026-12-05T22:00:00+03:00",
  });
  for (const startDate of ["2026-12-05T19:30:00Z", "2026-12-05T19:30:00-00:00"]) {
    const { startText, timeZone } = times({ startDate, timeZone: null });
    assert.deepEqual([startText, timeZone], ["2026-12-05T19:30:00+00:00", null]);
  }
});

Deno.test("resolveTimes() needs a zone for each local time of a new event", () => {
  for (const timeZone of [undefined, null]) {
    const input = { startDate: "2026-12-05T19:30", endDate: "2026-12-05T22:00" };
    assert.deepEqual(places(timeZone === undefined ? input : { ...input, timeZone }), [
      "start_date time_zone_required",
      "end_date time_zone_required",
    ]);
  }
});

Deno.test("resolveTimes() refuses a skipped local time and offers the two instants", () => {
  for (const input of [{}, { disambiguation: "reject" as const }]) {
    const { field, code, detail, candidates } = only({
      startDate: SKIPPED,
      timeZone: LISBON,
      ...input,
    });
    assert.deepEqual([field, code], ["start_date", "local_time_skipped"]);
    assert.deepEqual(candidates, ["2026-03-29T00:30:00+00:00", "2026-03-29T02:30:00+01:00"]);
    assert.match(detail, /2026-03-29T01:30.*Europe\/Lisbon.*disambiguation "earlier" or "later"/);
  }
});

Deno.test("resolveTimes() refuses a repeated local time and offers the two instants", () => {
  const { field, code, detail, candidates } = only({
    startDate: "2026-10-24T10:00",
    endDate: REPEATED,
    timeZone: LISBON,
  });
  assert.deepEqual([field, code], ["end_date", "local_time_repeated"]);
  assert.deepEqual(candidates, ["2026-10-25T01:30:00+01:00", "2026-10-25T01:30:00+00:00"]);
  assert.match(detail, /2026-10-25T01:30.*Europe\/Lisbon.*disambiguation "earlier" or "later"/);
});

Deno.test("resolveTimes() takes each candidate of a refusal as it is", () => {
  for (const startDate of [SKIPPED, REPEATED]) {
    for (const candidate of only({ startDate, timeZone: LISBON }).candidates ?? []) {
      assert.equal(times({ startDate: candidate, timeZone: LISBON }).startText, candidate);
    }
  }
});

Deno.test("resolveTimes() takes the earlier or the later instant when told to", () => {
  for (const startDate of [SKIPPED, REPEATED]) {
    const { candidates } = only({ startDate, timeZone: LISBON });
    const chosen = (["earlier", "later"] as const).map((disambiguation) =>
      times({ startDate, timeZone: LISBON, disambiguation }).startText
    );
    assert.deepEqual(chosen, candidates);
  }
});

Deno.test("resolveTimes() takes local times one millisecond outside a gap or an overlap", () => {
  const around = [
    ["2026-03-29T00:59:59.999", "2026-03-29T00:59:59.999+00:00"],
    ["2026-03-29T02:00", "2026-03-29T02:00:00+01:00"],
    ["2026-10-25T00:59:59.999", "2026-10-25T00:59:59.999+01:00"],
    ["2026-10-25T02:00", "2026-10-25T02:00:00+00:00"],
  ];
  for (const [startDate, text] of around as [string, string][]) {
    assert.equal(times({ startDate, timeZone: LISBON }).startText, text);
  }
  const within = ["2026-03-29T01:00", "2026-03-29T01:59:59.999", "2026-10-25T01:59:59.999"];
  for (const startDate of within) only({ startDate, timeZone: LISBON });
});

Deno.test("resolveTimes() makes days all-day, from the first's start to the last's end", () => {
  assert.deepEqual(DAYS, {
    allDay: true,
    timeZone: LOS_ANGELES,
    startDate: ms("2026-11-20T08:00:00Z"),
    endDate: ms("2026-11-24T08:00:00Z"),
    startText: "2026-11-20",
    endText: "2026-11-23",
  });
});

Deno.test("resolveTimes() gives a single day the length that the zone gives it", () => {
  const hours = (day: string) => {
    const { startDate, endDate } = times({ startDate: day, endDate: day, timeZone: LISBON });
    return (endDate! - startDate) / 3_600_000;
  };
  assert.equal(hours("2026-03-29"), 23);
  assert.equal(hours("2026-10-25"), 25);
  assert.equal(hours("2026-12-05"), 24);
});

Deno.test("resolveTimes() begins a day without midnight at its first instant", () => {
  const { startDate } = times({ startDate: "2018-11-04", timeZone: "America/Sao_Paulo" });
  assert.equal(startDate, ms("2018-11-04T01:00:00-02:00"));
});

Deno.test("resolveTimes() reads days without any zone in UTC", () => {
  for (const input of [{ startDate: "2026-12-05" }, { startDate: "2026-12-05", timeZone: null }]) {
    const { timeZone, startDate } = times(input);
    assert.deepEqual([timeZone, startDate], ["UTC", ms("2026-12-05T00:00:00Z")]);
  }
  const { timeZone } = times({ startDate: "2026-12-05", endDate: null }, WITHOUT_ZONE);
  assert.equal(timeZone, "UTC");
});

Deno.test("resolveTimes() refuses a day that the zone skipped", () => {
  const day = "2011-12-30";
  assert.deepEqual(places({ startDate: day, endDate: day, timeZone: APIA }), [
    "start_date local_day_skipped",
    "end_date local_day_skipped",
  ]);
  const before = times({ startDate: "2011-12-29", endDate: "2011-12-29", timeZone: APIA });
  const after = times({ startDate: "2011-12-31", timeZone: APIA });
  assert.equal(before.endDate, after.startDate);
});

Deno.test("resolveTimes() takes all_day when it agrees with the dates", () => {
  assert.equal(times({ startDate: "2026-12-05", allDay: true }).allDay, true);
  assert.equal(times({ startDate: "2026-12-05T19:30Z", allDay: false }).allDay, false);
  assert.deepEqual(times({ allDay: false }, IN_LISBON), IN_LISBON);
  assert.deepEqual(times({ allDay: true }, DAYS), DAYS);
});

Deno.test("resolveTimes() refuses all_day at each date that it contradicts", () => {
  const timed = { startDate: "2026-12-05T19:30Z", endDate: "2026-12-05T22:00Z" };
  const days = { startDate: "2026-12-05", endDate: "2026-12-06" };
  const both = ["start_date all_day_mismatch", "end_date all_day_mismatch"];
  assert.deepEqual(places({ ...timed, allDay: true }), both);
  assert.deepEqual(places({ ...days, allDay: false }), both);
  assert.deepEqual(places({ ...timed, allDay: true }, DAYS), both);
  assert.match(
    only({ startDate: "2026-12-05", allDay: false }).detail,
    /is a day.*all_day is false/,
  );
});

Deno.test("resolveTimes() refuses a day mixed with a time", () => {
  const mixed = [
    { startDate: "2026-12-05", endDate: "2026-12-06T10:00Z" },
    { startDate: "2026-12-05T10:00Z", endDate: "2026-12-06" },
  ];
  for (const input of mixed) {
    const { field, code, detail } = only(input);
    assert.deepEqual([field, code], ["end_date", "all_day_mismatch"]);
    assert.match(detail, /both as days or both as times/);
  }
});

Deno.test("resolveTimes() refuses a PATCH of one date in another form than the stored other", () => {
  const mixed: [TimeInput, EventTimes, string][] = [
    [{ startDate: "2026-12-05" }, IN_LISBON, "start_date"],
    [{ endDate: "2026-12-06" }, IN_LISBON, "end_date"],
    [{ startDate: "2026-11-20T10:00" }, DAYS, "start_date"],
    [{ endDate: "2026-11-24T10:00Z" }, DAYS, "end_date"],
    [{ startDate: "2026-12-05", allDay: true }, IN_LISBON, "start_date"],
  ];
  for (const [input, stored, expected] of mixed) {
    const { field, code, detail } = only(input, stored);
    assert.deepEqual([field, code], [expected, "all_day_mismatch"]);
    assert.match(detail, /the stored (start|end)_date/);
  }
});

Deno.test("resolveTimes() refuses a PATCH of all_day alone and asks for the dates", () => {
  const timed = only({ allDay: true }, IN_LISBON);
  assert.deepEqual([timed.field, timed.code], ["all_day", "all_day_mismatch"]);
  assert.match(timed.detail, /send start_date and end_date as a day/);
  const days = only({ allDay: false }, DAYS);
  assert.deepEqual([days.field, days.code], ["all_day", "all_day_mismatch"]);
  assert.match(days.detail, /send start_date and end_date as a time/);
  assert.equal(only({ allDay: true, endDate: null }, IN_LISBON).field, "all_day");
});

Deno.test("resolveTimes() lets a PATCH of all dates change the form", () => {
  const days = times({ startDate: "2026-12-05", endDate: "2026-12-06" }, IN_LISBON);
  assert.deepEqual([days.allDay, days.timeZone, days.endText], [true, LISBON, "2026-12-06"]);
  const timed = times({ startDate: "2026-11-20T10:00", endDate: null }, DAYS);
  assert.equal(timed.startText, "2026-11-20T10:00:00-08:00");
  assert.deepEqual([timed.allDay, timed.endDate, timed.endText], [false, null, null]);
  assert.equal(times({ startDate: "2026-12-05" }, OPEN_ENDED).allDay, true);
});

Deno.test("resolveTimes() makes an event without end, or with a null end, open-ended", () => {
  for (const input of [{}, { endDate: null }]) {
    const { endDate, endText } = times({ startDate: "2026-12-05", ...input });
    assert.deepEqual([endDate, endText], [null, null]);
  }
  const { endDate, startDate } = times({ endDate: null }, IN_LISBON);
  assert.deepEqual([startDate, endDate], [IN_LISBON.startDate, null]);
});

Deno.test("resolveTimes() takes an end one millisecond after the start and none before", () => {
  const startDate = "2026-12-05T19:30:00Z";
  times({ startDate, endDate: "2026-12-05T19:30:00.001Z" });
  for (const endDate of [startDate, "2026-12-05T19:29:59.999Z", "2026-12-05T20:30:00+01:00"]) {
    const { field, code, detail } = only({ startDate, endDate });
    assert.deepEqual([field, code], ["end_date", "end_before_start"]);
    assert.ok(detail.includes("2026-12-05T19:30:00+00:00") && detail.includes("null"), detail);
  }
});

Deno.test("resolveTimes() takes a last day that is the first, and none before", () => {
  times({ startDate: "2026-12-05", endDate: "2026-12-05" });
  const { field, code, detail } = only({ startDate: "2026-12-05", endDate: "2026-12-04" });
  assert.deepEqual([field, code], ["end_date", "end_before_start"]);
  assert.match(detail, /"2026-12-04".*"2026-12-05"/);
});

Deno.test("resolveTimes() blames the start when only it was moved past the stored end", () => {
  assert.deepEqual(places({ startDate: "2026-12-05T22:00" }, IN_LISBON), [
    "start_date end_before_start",
  ]);
  assert.deepEqual(places({ endDate: "2026-12-05T19:30" }, IN_LISBON), [
    "end_date end_before_start",
  ]);
  assert.deepEqual(places({ startDate: "2026-11-24" }, DAYS), ["start_date end_before_start"]);
  times({ startDate: "2026-12-05T21:59:59.999" }, IN_LISBON);
  times({ startDate: "2026-11-23" }, DAYS);
});

Deno.test("resolveTimes() returns the stored times when a PATCH names nothing", () => {
  for (const stored of [IN_LISBON, OPEN_ENDED, WITHOUT_ZONE, DAYS]) {
    assert.deepEqual(times({}, stored), stored);
    assert.deepEqual(times({ disambiguation: "later" }, stored), stored);
  }
});

Deno.test("resolveTimes() returns the members of EventTimes and no others of the record", () => {
  const record = { ...IN_LISBON, title: "Old title" } as EventRecord;
  assert.deepEqual(times({}, record), IN_LISBON);
  assert.equal("title" in times({ endDate: null }, record), false);
});

Deno.test("resolveTimes() leaves the date that a PATCH does not name", () => {
  const moved = times({ endDate: "2026-12-05T23:00" }, IN_LISBON);
  assert.deepEqual(moved, {
    ...IN_LISBON,
    endDate: ms("2026-12-05T23:00:00Z"),
    endText: "2026-12-05T23:00:00+00:00",
  });
});

Deno.test("resolveTimes() reads a PATCH's local time in the stored zone", () => {
  const { startText } = times({ startDate: "2026-07-05T19:30" }, OPEN_ENDED);
  assert.equal(startText, "2026-07-05T19:30:00+01:00");
});

Deno.test("resolveTimes() reads a PATCH's local time at the stored start's offset without zone", () => {
  const { timeZone, startText, endText } = times({ endDate: "2026-12-06T01:00" }, WITHOUT_ZONE);
  assert.deepEqual([timeZone, startText, endText], [
    null,
    WITHOUT_ZONE.startText,
    "2026-12-06T01:00:00+02:00",
  ]);
  assert.deepEqual(
    times({ endDate: "2026-12-06T01:00", timeZone: null }, WITHOUT_ZONE).endText,
    endText,
  );
});

Deno.test("resolveTimes() needs an offset when a PATCH names a local time and takes the zone away", () => {
  assert.deepEqual(places({ startDate: "2026-12-05T19:00", timeZone: null }, IN_LISBON), [
    "start_date time_zone_required",
  ]);
});

Deno.test("resolveTimes() checks a PATCH's instant against the stored zone and renders it there", () => {
  const { startText, timeZone } = times({ startDate: "2026-07-05T19:30:00Z" }, OPEN_ENDED);
  assert.deepEqual([startText, timeZone], ["2026-07-05T20:30:00+01:00", LISBON]);
  assert.deepEqual(places({ startDate: "2026-07-05T19:30:00+02:00" }, OPEN_ENDED), [
    "start_date offset_contradicts_zone",
  ]);
});

Deno.test("resolveTimes() keeps the wall times and moves the instants when the zone changes", () => {
  assert.deepEqual(times({ timeZone: LOS_ANGELES }, IN_LISBON), {
    allDay: false,
    timeZone: LOS_ANGELES,
    startDate: ms("2026-12-06T03:30:00Z"),
    endDate: ms("2026-12-06T06:00:00Z"),
    startText: "2026-12-05T19:30:00-08:00",
    endText: "2026-12-05T22:00:00-08:00",
  });
  const { startText, endText } = times({ timeZone: LISBON }, WITHOUT_ZONE);
  assert.deepEqual([startText, endText], [
    "2026-12-05T19:30:00+00:00",
    "2026-12-05T22:00:00+00:00",
  ]);
});

Deno.test("resolveTimes() keeps the days and moves their instants when the zone changes", () => {
  assert.deepEqual(times({ timeZone: "Asia/Kathmandu" }, DAYS), {
    ...DAYS,
    timeZone: "Asia/Kathmandu",
    startDate: ms("2026-11-19T18:15:00Z"),
    endDate: ms("2026-11-23T18:15:00Z"),
  });
});

Deno.test("resolveTimes() keeps the other date's wall time when zone and one date change", () => {
  const input = { startDate: "2026-12-05T18:00", timeZone: LOS_ANGELES };
  const { startText, endText } = times(input, IN_LISBON);
  assert.deepEqual([startText, endText], [
    "2026-12-05T18:00:00-08:00",
    "2026-12-05T22:00:00-08:00",
  ]);
});

Deno.test("resolveTimes() applies disambiguation to wall times that move with the zone", () => {
  const stored = times({ startDate: SKIPPED, endDate: REPEATED, timeZone: "UTC" });
  const found = problems({ timeZone: LISBON }, stored);
  assert.deepEqual(found.map(({ field, code }) => [field, code]), [
    ["time_zone", "local_time_skipped"],
    ["time_zone", "local_time_repeated"],
  ]);
  assert.match(found[0]!.detail, /start_date/);
  assert.match(found[1]!.detail, /end_date/);
  const { startText, endText } = times({ timeZone: LISBON, disambiguation: "later" }, stored);
  assert.deepEqual([startText, endText], [
    "2026-03-29T02:30:00+01:00",
    "2026-10-25T01:30:00+00:00",
  ]);
});

Deno.test("resolveTimes() blames the zone when only it made the end come first or a day go", () => {
  const hours = { startDate: "2026-03-29T00:45", endDate: "2026-03-29T01:15", timeZone: "UTC" };
  assert.deepEqual(places({ timeZone: LISBON, disambiguation: "earlier" }, times(hours)), [
    "time_zone end_before_start",
  ]);
  assert.deepEqual(places({ timeZone: APIA }, times({ startDate: "2011-12-30" })), [
    "time_zone local_day_skipped",
  ]);
});

Deno.test("resolveTimes() changes nothing when a PATCH names the stored zone again", () => {
  const stored = times({ startDate: "2026-10-25T01:30:00+00:00", timeZone: LISBON });
  assert.deepEqual(times({ timeZone: "europe/lisbon" }, stored), stored);
});

Deno.test("resolveTimes() keeps instants and offsets when a PATCH takes the zone away", () => {
  assert.deepEqual(times({ timeZone: null }, IN_LISBON), { ...IN_LISBON, timeZone: null });
  assert.deepEqual(times({ timeZone: null }, WITHOUT_ZONE), WITHOUT_ZONE);
  const { startText, endText } = times(
    { timeZone: null, endDate: "2026-12-06T03:00:00+04:00" },
    IN_LISBON,
  );
  assert.deepEqual([startText, endText], [IN_LISBON.startText, "2026-12-06T03:00:00+04:00"]);
});

Deno.test("resolveTimes() refuses to take the zone of an all-day event away", () => {
  const refused = ["time_zone time_zone_required"];
  assert.deepEqual(places({ timeZone: null }, DAYS), refused);
  const days = { startDate: "2026-12-05", endDate: "2026-12-06", timeZone: null };
  assert.deepEqual(places(days, IN_LISBON), refused);
  const timed = { startDate: "2026-12-05T19:30Z", endDate: "2026-12-05T22:00Z", timeZone: null };
  assert.equal(times(timed, DAYS).timeZone, null);
});

Deno.test("resolveTimes() needs a start for a new event", () => {
  assert.deepEqual(places({}), ["start_date required"]);
  assert.deepEqual(places({ endDate: "nonsense", timeZone: "Mars/Phobos" }), [
    "start_date required",
    "end_date invalid_date",
    "time_zone unknown_time_zone",
  ]);
});

Deno.test("resolveTimes() collects the problems of all fields", () => {
  assert.deepEqual(places({ startDate: SKIPPED, endDate: REPEATED, timeZone: LISBON }), [
    "start_date local_time_skipped",
    "end_date local_time_repeated",
  ]);
  assert.deepEqual(places({ startDate: "x", endDate: REPEATED, timeZone: LISBON }), [
    "start_date invalid_date",
    "end_date local_time_repeated",
  ]);
  assert.deepEqual(places({ startDate: "9999-01-01", endDate: "y", timeZone: "z" }), [
    "start_date date_out_of_range",
    "end_date invalid_date",
    "time_zone unknown_time_zone",
  ]);
});

Deno.test("resolveTimes() reports a date of the wrong form once, whatever else is wrong with it", () => {
  const mismatch = ["start_date all_day_mismatch"];
  assert.deepEqual(places({ startDate: SKIPPED, timeZone: LISBON, allDay: true }), mismatch);
  assert.deepEqual(places({ startDate: "2011-12-30", timeZone: APIA, allDay: false }), mismatch);
});

const ZONES = [
  ...[LISBON, LOS_ANGELES, APIA, "Asia/Kathmandu", "UTC", "Africa/Monrovia", "Africa/Casablanca"],
  ...["Australia/Lord_Howe", "America/Sao_Paulo", "Antarctica/Troll", "Etc/GMT-14"],
];
const digits = (from: number, to: number) =>
  fc.integer({ min: from, max: to }).map((number) => String(number).padStart(2, "0"));
/** Near the grammar, so that most of it reaches the rules behind. */
const dateLike = fc.tuple(
  fc.oneof(fc.integer({ min: 1969, max: 2030 }), fc.integer({ min: 9990, max: 9999 })),
  digits(0, 13),
  digits(0, 32),
  fc.oneof(
    fc.constant(""),
    fc.tuple(digits(0, 24), digits(0, 60), fc.constantFrom("", ":00", ":60", ":59.9995"))
      .map(([hour, minute, rest]) => `T${hour}:${minute}${rest}`),
  ),
  fc.constantFrom("", "", "Z", "+00:00", "-00:00", "+01:00", "+05:45", "-23:59", "+24:00"),
).map(([year, month, day, time, offset]) => `${year}-${month}-${day}${time}${offset}`);
const anyDate = fc.oneof(
  fc.string({ unit: "binary" }),
  dateLike,
  dateLike,
  fc.constantFrom(SKIPPED, REPEATED),
);
const anyInput: fc.Arbitrary<TimeInput> = fc.record({
  startDate: anyDate,
  endDate: fc.option(anyDate),
  timeZone: fc.option(
    fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom(...ZONES, "+01:00", "Z")),
  ),
  allDay: fc.boolean(),
  disambiguation: fc.constantFrom("reject", "earlier", "later"),
}, { requiredKeys: [] });
const anyStored = fc.constantFrom(null, IN_LISBON, OPEN_ENDED, WITHOUT_ZONE, DAYS);

Deno.test("resolveTimes() answers any strings without throwing, and gives a reason for each no", () => {
  fc.assert(
    fc.property(anyInput, anyStored, (input, stored) => {
      const result = resolveTimes(input, stored);
      if (result.outcome === "invalid") {
        assert.ok(result.problems.length > 0);
        assert.equal(JSON.stringify(result), JSON.stringify(result).toWellFormed());
        return;
      }
      const { startDate, endDate, allDay, timeZone } = result.times;
      assert.ok(endDate === null || endDate > startDate);
      assert.ok(!allDay || timeZone !== null);
    }),
    { numRuns: 3000 },
  );
});

const anyMoment = fc.oneof(
  fc.integer({ min: ms("1970-01-03T00:00:00Z"), max: ms("2040-01-01T00:00:00Z") }),
  fc.integer({ min: ms("2026-03-29T00:00:00Z"), max: ms("2026-03-29T03:00:00Z") }),
  fc.integer({ min: ms("2026-10-25T00:00:00Z"), max: ms("2026-10-25T03:00:00Z") }),
  fc.integer({ min: ms("9998-01-01T00:00:00Z"), max: ms("9998-12-15T00:00:00Z") }),
);
const anyLength = fc.option(fc.integer({ min: 1, max: 1e9 }));

Deno.test("resolveTimes() reads the texts it rendered as the same times", () => {
  const anyZone = fc.constantFrom(null, ...ZONES);
  fc.assert(
    fc.property(anyMoment, anyLength, anyZone, fc.boolean(), (at, length, timeZone, isDay) => {
      const write = (moment: number) => {
        const text = new Date(moment).toISOString();
        return isDay ? text.slice(0, "2026-12-05".length) : text;
      };
      const first = resolveTimes({
        startDate: write(at),
        endDate: length === null ? null : write(at + length),
        timeZone,
      }, null);
      // Pacific/Apia's skipped day is the one that has no times to read again.
      if (first.outcome === "invalid") return assert.ok(isDay && timeZone === APIA);
      const { startText, endText } = first.times;
      const rendered = { startDate: startText, endDate: endText, timeZone: first.times.timeZone };
      assert.deepEqual(times(rendered), first.times);
      assert.deepEqual(times(rendered, first.times), first.times);
    }),
    { numRuns: 3000 },
  );
});
