/**
 * A world for the property of convergence: events that are written in one process, and people who
 * watch them in another, each with a copy that they fetched once and since then only apply messages
 * to. What a copy should hold is told here without indexes, journal or subscriptions.
 */
import assert from "node:assert/strict";
import { DomainError } from "../../../kv/errors.ts";
import {
  cardOf,
  type EventCard,
  type EventId,
  type EventStatus,
  instantText,
} from "../../../kv/event_record.ts";
import {
  comparePlaces,
  endOf,
  type JournalPlace,
  parsePlace,
  readEntries,
  readHeadPlace,
  readPosition,
} from "../../../kv/journal_places.ts";
import { submitEvent } from "../../../lifecycle/create_event.ts";
import { removeEvent } from "../../../lifecycle/delete_event.ts";
import { listEvents } from "../../../lifecycle/discovery.ts";
import { editEvent, type EventEdit } from "../../../lifecycle/edit_event.ts";
import type { EventQuery } from "../../../lifecycle/event_filter.ts";
import type { EventPage } from "../../../lifecycle/event_walk.ts";
import { cardView, type EventCardView } from "../../../lifecycle/event_view.ts";
import { COMPLETE_EVENTS } from "../../../lifecycle/jobs/complete_events.ts";
import type { Job } from "../../../lifecycle/jobs/job.ts";
import { START_EVENTS } from "../../../lifecycle/jobs/start_events.ts";
import { WITHHOLD_EVENTS } from "../../../lifecycle/jobs/withhold_events.ts";
import { SILENT } from "../../../lifecycle/log.ts";
import { GUEST, type Principal, ROOT } from "../../../lifecycle/policy.ts";
import type { Follower } from "../../../lifecycle/realtime/follower.ts";
import type { ChangeMessage } from "../../../lifecycle/realtime/message.ts";
import { Realtime } from "../../../lifecycle/realtime/realtime.ts";
import { messagesOf, parseMessage } from "../../../lifecycle/realtime/relayed.ts";
import { transitionEvent } from "../../../lifecycle/transition_event.ts";
import { type TestStore, testStore } from "../../kv/test_store.ts";
import { allRecords, DAY, MINUTE, NOW } from "../../support/fixture.ts";
import { addMember, aMember, aRunContext, organizerId } from "../lifecycle_fixture.ts";
import { soon } from "../../support/http.ts";
import { reinstate, suspend } from "../suspensions.ts";
import { HandUpstream } from "./realtime_fixture.ts";

/**
 * Alice is a member of the first organizer, Carol staff wherever she is named. (Each organizer has
 * an owner, who watches nothing and is suspended at times.)
 */
export const PEOPLE = {
  guest: GUEST,
  alice: aMember("usr_alice"),
  carol: aMember("usr_carol"),
  root: ROOT,
} satisfies Record<string, Principal>;
export type Person = keyof typeof PEOPLE;

const OWNERS = { 1: "usr_ann", 2: "usr_bob" } as const;

export interface Fields {
  tags: string[];
  city: string | null;
  online: boolean;
  visibility: EventCard["visibility"];
  /** Milliseconds from now. */
  start: number;
  /** Milliseconds; null: no end. */
  length: number | null;
  isStaffed: boolean;
  organizer: 1 | 2;
}

export interface Watching {
  person: Person;
  query: EventQuery;
  /** The number of the event that is named. */
  event?: number;
}

/** How the watchers' process hears of a commit. */
export type Hint = "content" | "look" | "nothing";

export type Step =
  | { do: "create"; fields: Fields; isDraft: boolean; hint: Hint }
  | { do: "edit"; event: number; fields: Partial<Fields>; hint: Hint }
  | { do: "move"; event: number; to: EventStatus; hint: Hint }
  | { do: "delete"; event: number; hint: Hint }
  | { do: "pass"; ms: number }
  | { do: "sweep"; hint: Hint }
  | { do: "suspend" | "reinstate"; organizer: 1 | 2; hint: Hint }
  | { do: "fetch"; watching: Watching }
  | { do: "connect"; client: number }
  | { do: "cut"; client: number; after: number }
  | { do: "check" };

interface Version {
  version: number;
  /** Null: deleted. */
  card: EventCard | null;
}

const LIVE: EventStatus[] = ["CONFIRMED", "ONGOING"];
const isLive = (status: string) => status === "CONFIRMED" || status === "ONGOING";

export class World implements AsyncDisposable {
  readonly here: TestStore;
  readonly there: TestStore;
  readonly clock = { now: NOW };
  readonly realtime: Realtime;
  readonly clients: Client[] = [];
  /** All that the clock has said. */
  readonly times = [NOW];
  /** What each event was, from its journal. */
  readonly history = new Map<EventId, Version[]>();
  readonly #upstream: HandUpstream;
  readonly #ids: EventId[] = [];
  #read: JournalPlace;
  #titles = 0;

  private constructor(
    { here, there, head, entriesKept }: {
      here: TestStore;
      there: TestStore;
      head: JournalPlace;
      entriesKept: number;
    },
  ) {
    this.here = here;
    this.there = there;
    this.#read = head;
    this.#upstream = new HandUpstream();
    this.realtime = new Realtime(here, {
      clock: () => this.clock.now,
      openEndedMs: DAY,
      log: SILENT,
      // Only the steps sweep.
      sweep: () => Promise.resolve({ status: "skipped_paused" }),
      upstream: this.#upstream,
      entriesKept,
      watchdogMs: [60 * MINUTE, 60 * MINUTE],
      heartbeatMs: 60 * MINUTE,
    });
  }

  static async make(entriesKept: number): Promise<World> {
    const here = await testStore();
    const there = await testStore({ kv: here.real });
    await addMember(there, organizerId(1), { userId: "usr_alice", role: "viewer" });
    for (const number of [1, 2] as const) {
      await addMember(there, organizerId(number), { userId: OWNERS[number], role: "owner" });
    }
    return new World({ here, there, head: await readHeadPlace(there), entriesKept });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.realtime.stop();
    await Promise.all(this.clients.map((client) => client.reading));
    this.there.close();
    this.here.close();
  }

  async step(step: Step): Promise<void> {
    switch (step.do) {
      case "create":
        return await this.#write(step.hint, () => this.#create(step));
      case "edit":
        return await this.#write(step.hint, () => {
          const edit = this.#editOf(step.fields);
          return this.#onEvent(
            step.event,
            (id) => editEvent(this.there, id, { edit, principal: ROOT, now: this.clock.now }),
          );
        });
      case "move":
        return await this.#write(
          step.hint,
          () =>
            this.#onEvent(step.event, (id) =>
              transitionEvent(this.there, id, {
                input: { to: step.to, reason: null },
                principal: ROOT,
                now: this.clock.now,
              })),
        );
      case "delete":
        return await this.#write(
          step.hint,
          () =>
            this.#onEvent(
              step.event,
              (id) =>
                removeEvent(this.there, id, { reason: "x", principal: ROOT, now: this.clock.now }),
            ),
        );
      case "pass":
        this.times.push(this.clock.now += step.ms);
        return;
      case "sweep":
        return await this.#write(step.hint, () => this.#sweep());
      case "suspend":
      case "reinstate":
        return await this.#write(step.hint, async () => {
          const change = step.do === "suspend" ? suspend : reinstate;
          await change(this.there, OWNERS[step.organizer]);
          await this.#run(WITHHOLD_EVENTS);
        });
      case "fetch": {
        const { event, ...watching } = step.watching;
        const eventId = event === undefined ? undefined : this.#idOf(event);
        if (event !== undefined && eventId === undefined) return;
        const client = new Client(this, { ...watching, eventId });
        this.clients.push(client);
        return await client.fetch();
      }
      case "connect":
        return await this.clients[step.client % this.clients.length]?.connect();
      case "cut":
        return await this.clients[step.client % this.clients.length]?.cut(step.after);
      case "check":
        return await this.check({ isSettled: false });
    }
  }

  /** Each copy is what a fresh list shows; settled: what the clock did is recorded, too. */
  async check({ isSettled }: { isSettled: boolean }): Promise<void> {
    if (isSettled) await this.step({ do: "sweep", hint: "look" });
    for (const client of this.clients) await client.check({ isSettled });
  }

  /** A watcher may hear of a commit before its writer has noted it here. */
  async noted(place: JournalPlace): Promise<void> {
    await soon(() => comparePlaces(place, this.#read) <= 0);
  }

  /** Everybody comes back, and has what there is. */
  async end(): Promise<void> {
    for (const client of this.clients) await client.connect();
    await this.check({ isSettled: true });
    this.clock.now += 2 * DAY;
    await this.check({ isSettled: true });
  }

  async #create({ fields, isDraft }: Step & { do: "create" }): Promise<void> {
    const { organizerId, ...edit } = this.#editOf(fields);
    const input = { ...edit, organizerId, status: isDraft ? "DRAFT" : "CONFIRMED" } as const;
    const { id } = await submitEvent(this.there, input, { principal: ROOT, now: this.clock.now });
    this.#ids.push(id);
  }

  #editOf(fields: Partial<Fields>): EventEdit {
    const { tags, city, online, visibility, start, length, isStaffed, organizer } = fields;
    const startDate = start === undefined ? undefined : this.clock.now + start;
    return {
      content: {
        title: `${this.#titles++}`,
        tags,
        online,
        visibility,
        location: city === undefined ? undefined : { city, country: city === null ? null : "GB" },
        staff: isStaffed === undefined
          ? undefined
          : isStaffed
          ? [{ userId: "usr_carol", role: "viewer" }]
          : [],
      },
      times: {
        ...(startDate === undefined ? {} : { startDate: instantText(startDate) }),
        ...(length === undefined || (startDate === undefined && length !== null)
          ? {}
          : { endDate: length === null ? null : instantText(startDate! + length) }),
      },
      organizerId: organizer === undefined ? undefined : organizerId(organizer),
    };
  }

  #idOf(number: number): EventId | undefined {
    return this.#ids[number % this.#ids.length];
  }

  async #onEvent(number: number, act: (id: EventId) => Promise<unknown>): Promise<void> {
    const id = this.#idOf(number);
    if (id !== undefined) await act(id);
  }

  async #sweep(): Promise<void> {
    for (const job of [COMPLETE_EVENTS, START_EVENTS]) await this.#run(job);
  }

  async #run(job: Job): Promise<void> {
    await job.run(this.there, aRunContext({ now: this.clock.now }));
  }

  /** What is refused is no change. */
  async #write(hint: Hint, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
    }
    const prev = this.#read;
    const { entries } = await readEntries(this.there, prev, 500);
    if (entries.length === 0) return;
    for (const { type, version, event } of entries.flatMap(({ changes }) => changes)) {
      const versions = this.history.get(event.id) ?? [];
      versions.push({ version, card: type === "deleted" ? null : event });
      this.history.set(event.id, versions);
    }
    this.#read = endOf(entries.at(-1)!);
    if (this.realtime.size === 0) return;
    if (hint === "look") this.#upstream.hub.look();
    if (hint !== "content") return;
    for (const { message } of messagesOf(this.there, { prev, entries })) {
      this.#upstream.hub.receive(parseMessage(this.here, message)!);
    }
  }
}

/** Somebody with a copy. */
export class Client {
  /** The copy. */
  readonly held = new Map<string, EventCardView>();
  reading: Promise<void> = Promise.resolve();
  readonly #world: World;
  readonly #principal: Principal;
  readonly #query: EventQuery;
  readonly #eventId: EventId | undefined;
  readonly #wanted: readonly EventStatus[] | "any";
  #lastId = "";
  #follower: Follower | null = null;
  /** Where the journal ended when it was connected. */
  #head!: JournalPlace;
  #since = NOW;
  /** How many versions of each event there were then. */
  #known = new Map<EventId, number>();
  #cutAfter = Infinity;
  #failure: unknown = null;

  constructor(
    world: World,
    { person, query, eventId }: {
      person: Person;
      query: EventQuery;
      eventId?: EventId | undefined;
    },
  ) {
    this.#world = world;
    this.#principal = PEOPLE[person];
    this.#query = query;
    this.#eventId = eventId;
    this.#wanted = query.statuses ?? (eventId === undefined ? LIVE : "any");
  }

  /** Begins a copy: all of a list, and its position. */
  async fetch(): Promise<void> {
    this.#lastId = await readPosition(this.#world.there);
    for (const [id, view] of await this.#fresh()) this.held.set(id, view);
  }

  async connect(): Promise<void> {
    if (this.#follower !== null) return;
    const { realtime, there, history } = this.#world;
    this.#head = await readHeadPlace(there);
    this.#since = this.#world.clock.now;
    this.#known = new Map([...history].map(([id, versions]) => [id, versions.length]));
    this.#cutAfter = Infinity;
    const follower = await realtime.follow({ query: this.#query, eventId: this.#eventId }, {
      lastId: this.#lastId,
      principal: () => Promise.resolve(this.#principal),
      drop: () => {},
    });
    assert.ok(follower !== null && !follower.startsAnew);
    this.#follower = follower;
    this.reading = this.#readAll(follower).catch((error) => {
      this.#failure = error;
      follower.close();
    });
  }

  /** Breaks off after so many messages more; at once when that is none. */
  async cut(after: number): Promise<void> {
    if (this.#follower === null) return;
    if (after > 0) this.#cutAfter = after;
    else {
      const follower = this.#follower;
      this.#follower = null;
      follower.close();
      await this.reading;
    }
  }

  async check({ isSettled }: { isSettled: boolean }): Promise<void> {
    if (this.#follower === null) return;
    const { realtime, there } = this.#world;
    const head = await readPosition(there);
    await realtime.hub.catchUp();
    // It waits again when it has applied what it was given; asked in a turn of its own, in which no
    // delivery is on its way.
    await soon(async () => {
      await new Promise((resolve) => setTimeout(resolve));
      const follower = this.#follower;
      return this.#failure !== null || follower === null ||
        (follower.position === head && follower.idleSince === null);
    });
    if (this.#failure !== null) throw this.#failure;
    if (this.#follower === null) return;
    const copy = [...this.held].filter(([, view]) => !this.#isDropped(view)).toSorted(byId);
    const fresh = [...await this.#fresh()].toSorted(byId);
    if (isSettled) return assert.deepEqual(copy, fresh);
    // What the clock did enters and leaves other lists when it is recorded.
    if (this.#query.statuses !== undefined || this.#eventId !== undefined) return;
    const versions = (of: [string, EventCardView][]) =>
      of.map(([id, { version }]) => [id, version]);
    assert.deepEqual(versions(copy), versions(fresh));
  }

  async #readAll(follower: Follower): Promise<void> {
    for (;;) {
      const delivery = await follower.next();
      if (delivery === null) return;
      assert.equal(delivery.type, "messages", JSON.stringify(delivery));
      if (delivery.type !== "messages") return;
      await this.#world.noted(parsePlace(delivery.messages.at(-1)!.id)!);
      for (const { id, json } of delivery.messages) {
        this.#apply(id, JSON.parse(json));
        if (--this.#cutAfter > 0) continue;
        // In the middle of a delivery: what is left of it never arrived.
        this.#follower = null;
        return follower.close();
      }
    }
  }

  #apply(id: string, message: ChangeMessage): void {
    const place = parsePlace(id)!;
    assert.ok(comparePlaces(place, parsePlace(this.#lastId)!) > 0, "once, and in order");
    this.#lastId = id;
    this.#requireRight(place, message);
    const { subject, sequence, data } = message;
    const held = this.held.get(subject);
    if (held !== undefined && Number(sequence) < held.version) return;
    if (data === undefined) this.held.delete(subject);
    else this.held.set(subject, data);
  }

  /** Nothing is told that is not theirs to see, nor a leaving of what they never could. */
  #requireRight(place: JournalPlace, { subject, sequence, type, data }: ChangeMessage): void {
    const { clock: { now }, times } = this.#world;
    const versions = this.#world.history.get(subject as EventId)!;
    const at = versions.findIndex(({ version }) => version === Number(sequence));
    const { card } = versions[at]!;
    const before = versions[at - 1]?.card;
    const where = `${type} ${subject} ${sequence}`;
    // As it was when they came, or has become since then.
    const current = versions.slice(Math.max(0, (this.#known.get(subject as EventId) ?? 0) - 1));
    const isReplayed = comparePlaces(place, this.#head) <= 0;
    if (data === undefined) {
      assert.ok(before && this.#matches(before), `${where}: never theirs`);
      if (type === "event.deleted") return assert.equal(card, null);
      assert.equal(type, "event.left");
      const isHidden = current.some(({ card }) => card !== null && !this.#sees(card));
      // Since it was told, time may have passed.
      const since = times.filter((at) => at >= this.#since);
      const isOver = since.some((at) => !this.#isListed(card!, at));
      assert.ok(isHidden || !this.#matches(card!) || isOver, where);
      return;
    }
    assert.ok(card && this.#matches(card), `${where}: not theirs`);
    const { status: _, completed_at: __, ...told } = data;
    const { status: ___, completed_at: ____, ...view } = cardView(card, { now, openEndedMs: DAY });
    assert.deepEqual(told, view);
    assert.ok(this.#wanted === "any" || this.#wanted.includes(data.status), where);
    if (!isReplayed) return;
    assert.ok(
      current.some(({ card }) => card === null || this.#sees(card)),
      `${where}: hidden when they came back`,
    );
  }

  /** What they would be shown now: of a list, or of the event that they named. */
  async #fresh(): Promise<Map<string, EventCardView>> {
    const { there, clock: { now } } = this.#world;
    const cards = (await allRecords(there)).map(cardOf);
    const shown = new Map(
      cards.filter((card) => this.#matches(card) && this.#isListed(card, now))
        .map((card) => [card.id as string, cardView(card, { now, openEndedMs: DAY })]),
    );
    const isList = this.#eventId === undefined && this.#principal === GUEST;
    // For guests it is exactly what `/v1/events` answers. (Others are shown there what is public,
    // and watch what is theirs besides.)
    if (isList && !this.#query.statuses?.includes("DRAFT")) {
      const listed = await listAll(this.#world, this.#query);
      assert.deepEqual([...shown].toSorted(byId), [...listed].toSorted(byId));
    }
    return shown;
  }

  /** Rights and filters. */
  #matches(card: EventCard): boolean {
    const { tag, city, online, organizerId, startsAfter, startsBefore, endsAfter } = this.#query;
    return this.#sees(card) &&
      (this.#eventId === undefined || card.id === this.#eventId) &&
      (tag === undefined || card.tags.includes(tag)) &&
      (city === undefined || card.location.city === city) &&
      (online === undefined || card.online === online) &&
      (organizerId === undefined || card.organizerId === organizerId) &&
      (startsAfter === undefined || card.startDate > startsAfter) &&
      (startsBefore === undefined || card.startDate < startsBefore) &&
      (endsAfter === undefined || (card.endDate ?? Infinity) > endsAfter);
  }

  #sees(card: EventCard): boolean {
    const { userId, role } = this.#principal;
    const isTheirs = role === "admin" ||
      (userId === "usr_alice" && card.organizerId === organizerId(1)) ||
      (userId !== null && card.staffIds.includes(userId));
    if (isTheirs) return true;
    if (card.status === "DRAFT" || card.visibility === "PRIVATE") return false;
    return (card.visibility === "PUBLIC" && !card.isWithheld) || this.#eventId !== undefined;
  }

  /** Statuses, and how long what has no end is listed. */
  #isListed({ status, startDate, endDate }: EventCard, now: number): boolean {
    const effective = !isLive(status)
      ? status
      : endDate !== null && endDate <= now
      ? "COMPLETED"
      : startDate <= now
      ? "ONGOING"
      : status;
    if (this.#wanted === "any") return true;
    if (!this.#wanted.includes(effective)) return false;
    return this.#eventId !== undefined || !isLive(effective) || endDate !== null ||
      startDate + DAY > now;
  }

  /** Clients drop what a list would have ceased to show, by the server's time. */
  #isDropped({ status, listed_until }: EventCardView): boolean {
    return this.#eventId === undefined && isLive(status) &&
      Date.parse(listed_until) <= this.#world.clock.now;
  }
}

async function listAll(
  { there, clock: { now } }: World,
  query: EventQuery,
): Promise<Map<string, EventCardView>> {
  const listed = new Map<string, EventCardView>();
  let cursor: string | undefined;
  do {
    const page: EventPage = await listEvents(there, query, {
      principal: GUEST,
      now,
      openEndedMs: DAY,
      limit: 100,
      cursor,
    });
    for (const card of page.items) listed.set(card.id, cardView(card, { now, openEndedMs: DAY }));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return listed;
}

function byId([a]: [string, unknown], [b]: [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
