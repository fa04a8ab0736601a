/**
 * Ten years of events with their history, in several organizers, as lines of an export: the same for
 * the same seed, in the order and the form in which an export writes them.
 */
import { type EventRecord, type HistoryEntry, instantText } from "../../kv/event_record.ts";
import type { OrganizerId, UserId } from "../../kv/event_record.ts";
import { FORMATS } from "../../kv/formats.ts";
import { newRecord } from "../../lifecycle/create_event.ts";
import { changedFields } from "../../lifecycle/event_content.ts";
import { eventLine, organizerLine } from "../../lifecycle/export_lines.ts";
import { DAY, HOUR, MINUTE, NOW } from "./fixture.ts";
import { random } from "./random.ts";

const YEARS = 10;
const ZONES = ["Europe/London", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", null];
const CITIES = ["London", "New York", "Kathmandu", "São Paulo", "東京"];
const TAGS = ["music", "film", "edge", "books", "comedy"];
const CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

export function organizerOf(number: number): OrganizerId {
  return `org_${String(number + 1).padStart(26, "0")}`;
}

/** Lines with their line feeds: the organizers, then `count` events by id. */
export function* generatedLines(
  count: number,
  { organizers = 7, seed = 1 }: { organizers?: number; seed?: number } = {},
): Generator<string> {
  const next = random(seed);
  const first = NOW - YEARS * 365 * DAY;
  for (let i = 0; i < organizers; i++) {
    const id = organizerOf(i);
    const createdAt = first - DAY;
    yield JSON.stringify(organizerLine({
      format: FORMATS.organizer.current,
      id,
      name: `House number ${i + 1}`,
      url: i % 2 === 0 ? null : `https://example.org/${i}`,
      externalId: i % 3 === 0 ? null : `house:${i}`,
      isWithheld: false,
      createdAt,
      updatedAt: createdAt + i,
    }, [
      { userId: `usr_editor${i}`, role: "editor" },
      { userId: `usr_owner${i}`, role: "owner" },
    ])) + "\n";
  }
  for (let i = 0; i < count; i++) {
    const createdAt = first + Math.floor(i * (YEARS * 365 * DAY) / count);
    const record = generatedEvent(i, { next, createdAt, organizerId: organizerOf(i % organizers) });
    yield JSON.stringify(eventLine(record, record.history)) + "\n";
  }
}

function generatedEvent(
  number: number,
  { next, createdAt, organizerId }: {
    next: () => number;
    createdAt: number;
    organizerId: OrganizerId;
  },
): EventRecord {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(next() * list.length)]!;
  const timeZone = pick(ZONES);
  const startsAt = createdAt + Math.floor(next() * 90) * DAY;
  const isDay = next() < 0.3;
  const times = isDay
    ? { startDate: dayText(startsAt), endDate: dayText(startsAt + DAY), timeZone }
    : {
      startDate: instantText(startsAt),
      endDate: next() < 0.1 ? null : instantText(startsAt + 3 * HOUR),
      timeZone,
    };
  const by: UserId = `usr_owner${number % 7}`;
  const record = newRecord({
    id: `evt_${ulidOf(createdAt, number)}`,
    status: "DRAFT",
    content: {
      title: `Evening number ${number}, ${pick(CITIES)}`,
      summary: next() < 0.5 ? "" : "Doors at seven, music at eight.",
      description: next() < 0.5 ? "" : `An evening with **${pick(TAGS)}**.\n\n- one\n- two\n`,
      url: next() < 0.5 ? null : `https://example.org/events/${number}`,
      externalId: next() < 0.7 ? `old:${number}` : null,
      visibility: pick(["PUBLIC", "PUBLIC", "PUBLIC", "UNLISTED", "PRIVATE"]),
      location: { city: pick(CITIES), latitude: Math.round(next() * 9_000) / 100 },
      online: next() < 0.2,
      tags: TAGS.filter(() => next() < 0.4),
      metadata: next() < 0.5 ? {} : { ticket_system: String(number), b: "2", a: "1" },
      staff: next() < 0.8 ? [] : [{ userId: `usr_staff${number % 50}`, role: "viewer" }],
    },
    times,
  }, { organizerId, now: createdAt });
  const transition = (
    name: string,
    from: HistoryEntry["transition"],
    to: EventRecord["status"],
  ) => ({ name, from: from?.to ?? null, to });
  let at = createdAt;
  let last: HistoryEntry["transition"] = null;
  const tell = (entry: Partial<HistoryEntry>) => {
    const version = record.history.length + 1;
    record.history.push({
      version,
      at,
      by,
      transition: null,
      reason: null,
      fields: null,
      ...entry,
    });
    record.version = version;
    record.updatedAt = at;
    if (entry.transition) last = entry.transition;
  };
  const go = (name: string, to: EventRecord["status"], entry: Partial<HistoryEntry> = {}) => {
    record.status = to;
    tell({ transition: transition(name, last, to), ...entry });
  };
  go("create", "DRAFT");
  // One in fifty has been edited so often that most of its history lies outside its record.
  const edits = number % 50 === 7 ? 70 + Math.floor(next() * 60) : Math.floor(next() * 4);
  for (let i = 0; i < edits; i++) {
    at += MINUTE;
    const title = `${record.title.slice(0, 60)} (${i})`;
    tell({ fields: changedFields(record, { ...record, title }), reason: i % 5 ? null : "音楽" });
    record.title = title;
  }
  at += MINUTE;
  const fate = next();
  if (fate < 0.1) return record;
  go("publish", "CONFIRMED");
  if (fate < 0.2) {
    at += MINUTE;
    go("cancel", "CANCELLED", { reason: "Nobody came." });
    return record;
  }
  if (record.endDate === null || record.endDate > NOW) return record;
  const run = `job:run_${ulidOf(record.endDate, number)}` as const;
  at = record.endDate;
  go("complete", "COMPLETED", { by: number % 3 === 0 ? "clock" : run });
  record.completedAt = record.endDate;
  record.updatedAt = record.endDate + 2 * MINUTE;
  if (fate > 0.9) {
    at = record.endDate + DAY;
    record.archivedFrom = "COMPLETED";
    go("archive", "ARCHIVED", { by: "usr_root" });
  }
  return record;
}

function dayText(at: number): string {
  return new Date(at).toISOString().slice(0, "2026-12-05".length);
}

function ulidOf(at: number, number: number): string {
  let time = "";
  for (let rest = at; time.length < 10; rest = Math.floor(rest / 32)) {
    time = CROCKFORD[rest % 32] + time;
  }
  return time + String(number).padStart(16, "0");
}
