import assert from "node:assert/strict";
import { EVENT_STATUSES, type EventRecord, type EventStatus } from "../../kv/event_record.ts";
import {
  afterTransition,
  allowedFrom,
  decideTransition,
  TRANSITIONS,
} from "../../lifecycle/transitions.ts";
import { aRecord, HOUR, NOW } from "../support/fixture.ts";

/** The table of the design: from → to → its name. */
const TABLE: Record<EventStatus, Partial<Record<EventStatus, string>>> = {
  DRAFT: { CONFIRMED: "publish", CANCELLED: "cancel" },
  CONFIRMED: { ONGOING: "start", COMPLETED: "complete", CANCELLED: "cancel" },
  ONGOING: { COMPLETED: "complete", CANCELLED: "cancel", CONFIRMED: "postpone" },
  COMPLETED: { CONFIRMED: "reopen", ARCHIVED: "archive" },
  CANCELLED: { CONFIRMED: "reopen", ARCHIVED: "archive" },
  ARCHIVED: { COMPLETED: "unarchive" },
};

const ADMIN = { now: NOW, isAdmin: true };
const EDITOR = { now: NOW, isAdmin: false };

/** Of that status, settled at `NOW`, with start and end still to come. */
function anEvent(status: EventStatus, overrides: Partial<EventRecord> = {}): EventRecord {
  return aRecord({
    status,
    archivedFrom: status === "ARCHIVED" ? "COMPLETED" : null,
    startDate: NOW + HOUR,
    endDate: NOW + 3 * HOUR,
    ...overrides,
  });
}

function allowed(event: EventRecord, to: EventStatus, request = ADMIN): boolean {
  return decideTransition(event, to, request).outcome === "allowed";
}

Deno.test("decideTransition() allows exactly the transitions of the table, all 36 pairs", () => {
  for (const from of EVENT_STATUSES) {
    const event = anEvent(from);
    const row = TABLE[from];
    for (const to of EVENT_STATUSES) {
      const decision = decideTransition(event, to, ADMIN);
      if (decision.outcome === "allowed") {
        assert.equal(decision.transition.name, row[to], `${from} → ${to}`);
        assert.deepEqual([decision.transition.from, decision.transition.to], [from, to]);
      } else {
        assert.equal(row[to], undefined, `${from} → ${to}: ${decision.reason}`);
        assert.deepEqual(decision.allowed.toSorted(), Object.keys(row).sort(), `from ${from}`);
      }
    }
  }
});

Deno.test("decideTransition() says that there is no such transition", () => {
  const decision = decideTransition(anEvent("DRAFT"), "COMPLETED", ADMIN);
  assert.deepEqual(decision, {
    outcome: "refused",
    reason: "there is no such transition",
    allowed: ["CONFIRMED", "CANCELLED"],
  });
});

Deno.test("decideTransition() publishes and reopens only with an end after now, or none", () => {
  for (const status of ["DRAFT", "COMPLETED", "CANCELLED"] as const) {
    const startDate = NOW - HOUR;
    assert.ok(!allowed(anEvent(status, { startDate, endDate: NOW }), "CONFIRMED"), status);
    assert.ok(allowed(anEvent(status, { startDate, endDate: NOW + 1 }), "CONFIRMED"), status);
    assert.ok(allowed(anEvent(status, { startDate, endDate: null }), "CONFIRMED"), status);
  }
  const refused = decideTransition(anEvent("DRAFT", { endDate: NOW }), "CONFIRMED", EDITOR);
  assert.match((refused as { reason: string }).reason, /end has passed.*`end_date`/);
  assert.deepEqual((refused as { allowed: EventStatus[] }).allowed, ["CONFIRMED", "CANCELLED"]);
});

Deno.test("decideTransition() lets an import publish and reopen what is over", () => {
  for (const status of ["DRAFT", "COMPLETED", "CANCELLED"] as const) {
    const event = anEvent(status, { startDate: NOW - HOUR, endDate: NOW });
    assert.ok(allowed(event, "CONFIRMED", { ...ADMIN, isImport: true } as typeof ADMIN), status);
  }
});

Deno.test("decideTransition() postpones only what starts after now", () => {
  assert.ok(!allowed(anEvent("ONGOING", { startDate: NOW }), "CONFIRMED", EDITOR));
  assert.ok(allowed(anEvent("ONGOING", { startDate: NOW + 1 }), "CONFIRMED", EDITOR));
});

Deno.test("decideTransition() unarchives only to what the event was", () => {
  for (const was of ["COMPLETED", "CANCELLED"] as const) {
    const other = was === "COMPLETED" ? "CANCELLED" : "COMPLETED";
    const event = anEvent("ARCHIVED", { archivedFrom: was });
    assert.ok(allowed(event, was));
    const refused = decideTransition(event, other, ADMIN);
    assert.deepEqual(refused, {
      outcome: "refused",
      reason: `it was ${was} before it was archived`,
      allowed: [was],
    });
  }
});

Deno.test("only admins archive and unarchive", () => {
  for (const status of ["COMPLETED", "CANCELLED"] as const) {
    assert.deepEqual(allowedFrom(anEvent(status), EDITOR), ["CONFIRMED"]);
    assert.deepEqual(allowedFrom(anEvent(status), ADMIN), ["CONFIRMED", "ARCHIVED"]);
  }
  assert.deepEqual(allowedFrom(anEvent("ARCHIVED"), EDITOR), []);
  const refused = decideTransition(anEvent("ARCHIVED"), "COMPLETED", EDITOR);
  assert.deepEqual(refused, {
    outcome: "refused",
    reason: "only an admin may do this",
    allowed: [],
  });
});

Deno.test("the clock starts, completes and archives; the rest belongs to people", () => {
  const byClock = TRANSITIONS.filter((row) => row.byClock).map((row) => `${row.from} ${row.name}`);
  assert.deepEqual(byClock, [
    "CONFIRMED start",
    "CONFIRMED complete",
    "ONGOING complete",
    "COMPLETED archive",
    "CANCELLED archive",
  ]);
});

Deno.test("afterTransition() dates an early finish at the transition and keeps the dates", () => {
  const event = anEvent("ONGOING");
  assert.deepEqual(afterTransition(event, { to: "COMPLETED" }, NOW), {
    ...event,
    status: "COMPLETED",
    completedAt: NOW,
  });
});

Deno.test("afterTransition() remembers what an archived event was, and when it was over", () => {
  const completed = anEvent("COMPLETED", { completedAt: NOW - HOUR });
  const archived = afterTransition(completed, { to: "ARCHIVED" }, NOW);
  assert.equal(archived.archivedFrom, "COMPLETED");
  assert.equal(archived.completedAt, NOW - HOUR);
  assert.deepEqual(afterTransition(archived, { to: "COMPLETED" }, NOW), completed);

  const cancelled = anEvent("CANCELLED");
  const putAway = afterTransition(cancelled, { to: "ARCHIVED" }, NOW);
  assert.equal(putAway.archivedFrom, "CANCELLED");
  assert.deepEqual(afterTransition(putAway, { to: "CANCELLED" }, NOW), cancelled);
});

Deno.test("afterTransition() forgets the completion of a reopened event", () => {
  const reopened = afterTransition(
    anEvent("COMPLETED", { completedAt: NOW - HOUR }),
    { to: "CONFIRMED" },
    NOW,
  );
  assert.equal(reopened.completedAt, null);
});
