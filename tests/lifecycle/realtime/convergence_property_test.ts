/**
 * Whoever fetched a list once and since then only applies what they are told has what a fresh list
 * shows: whatever changes, whatever they filter by, whoever they are, whenever they were away. And
 * nobody is told what is not theirs.
 */
import fc from "fast-check";
import { EVENT_STATUSES, VISIBILITIES } from "../../../kv/event_record.ts";
import type { EventQuery } from "../../../lifecycle/event_filter.ts";
import { DAY, HOUR, MINUTE, NOW, scaled } from "../../support/fixture.ts";
import { organizerId } from "../lifecycle_fixture.ts";
import {
  type Fields,
  PEOPLE,
  type Person,
  type Step,
  type Watching,
  World,
} from "./convergence_world.ts";

const fields: fc.Arbitrary<Fields> = fc.record({
  tags: fc.subarray(["a", "b"]),
  city: fc.constantFrom("London", "Leeds", null),
  online: fc.boolean(),
  visibility: fc.constantFrom("PUBLIC", "PUBLIC", ...VISIBILITIES),
  start: fc.constantFrom(-23 * HOUR, -2 * HOUR, -1, 0, 1, 30 * MINUTE, 5 * HOUR),
  length: fc.constantFrom(null, 1, HOUR, 3 * HOUR, 30 * HOUR),
  isStaffed: fc.boolean(),
  organizer: fc.constantFrom(1, 2),
});

/** Of one field; most often who may see it. */
const patch: fc.Arbitrary<Partial<Fields>> = fc.oneof(
  { weight: 6, arbitrary: fields.map(({ visibility }) => ({ visibility })) },
  fields.map(({ tags }) => ({ tags })),
  fields.map(({ city }) => ({ city })),
  fields.map(({ online }) => ({ online })),
  { weight: 2, arbitrary: fields.map(({ isStaffed }) => ({ isStaffed })) },
  { weight: 2, arbitrary: fields.map(({ organizer }) => ({ organizer })) },
  { weight: 2, arbitrary: fields.map(({ start, length }) => ({ start, length })) },
  fc.constant({ length: null }),
  fields,
);

const dates = fc.constantFrom(-HOUR, 0, HOUR, 6 * HOUR).map((ms) => NOW + ms);
const query: fc.Arbitrary<EventQuery> = fc.oneof(
  { weight: 2, arbitrary: fc.constant({}) },
  {
    weight: 3,
    arbitrary: fc.record({
      statuses: fc.subarray([...EVENT_STATUSES], { minLength: 1 }),
      tag: fc.constantFrom("a", "b"),
      city: fc.constantFrom("London", "Leeds"),
      online: fc.boolean(),
      organizerId: fc.constantFrom(organizerId(1), organizerId(2)),
      startsAfter: dates,
      startsBefore: dates,
      endsAfter: dates,
    }, { requiredKeys: [] }).map((all) => {
      // Of so many filters at once nothing would ever match.
      const some = Object.entries(all).filter((_, i) => i < 2);
      return Object.fromEntries(some) as EventQuery;
    }),
  },
);

const number = fc.nat({ max: 40 });
const watching: fc.Arbitrary<Watching> = fc.oneof(
  fc.record({ person: fc.constantFrom(...Object.keys(PEOPLE) as Person[]), query }),
  fc.record({
    person: fc.constantFrom(...Object.keys(PEOPLE) as Person[]),
    query: fc.constant<EventQuery>({}),
    event: number,
  }),
);

const hint = fc.constantFrom("content", "look", "nothing");
const as = <T extends Step["do"]>(name: T) => fc.constant(name);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({ do: as("create"), fields, isDraft: fc.boolean(), hint }),
  },
  { weight: 10, arbitrary: fc.record({ do: as("edit"), event: number, fields: patch, hint }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: as("move"),
      event: number,
      to: fc.constantFrom(...EVENT_STATUSES.slice(1)),
      hint,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: as("delete"), event: number, hint }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: as("pass"),
      ms: fc.constantFrom(1, MINUTE, 30 * MINUTE, HOUR, 5 * HOUR, DAY),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: as("sweep"), hint }) },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom("suspend", "reinstate"),
      organizer: fc.constantFrom(1, 2),
      hint,
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: as("fetch"), watching }) },
  { weight: 6, arbitrary: fc.record({ do: as("connect"), client: number }) },
  {
    weight: 5,
    arbitrary: fc.record({ do: as("cut"), client: number, after: fc.nat({ max: 3 }) }),
  },
  { weight: 2, arbitrary: fc.record({ do: as("check") }) },
);

/** Some events, and everybody watches from the start. */
const beginning: fc.Arbitrary<Step[]> = fc.tuple(
  fc.array(fc.record({ do: as("create"), fields, isDraft: fc.constant(false), hint }), {
    minLength: 1,
    maxLength: 6,
  }),
  fc.array(fc.record({ do: as("fetch"), watching }), { minLength: 2, maxLength: 6 }),
).map(([creations, fetches]) => [...creations, ...fetches]);

Deno.test("a copy that only messages are applied to is what a fresh list shows, and holds nothing else", async () => {
  await fc.assert(
    fc.asyncProperty(
      beginning,
      fc.array(step, { minLength: 10, maxLength: 60, size: "max" }),
      fc.constantFrom(2, 5, 1_000),
      async (first, steps, entriesKept) => {
        await using world = await World.make(entriesKept);
        for (const one of [...first, ...steps]) await world.step(one);
        await world.end();
      },
    ),
    { seed: 6, numRuns: scaled(600, 30), endOnFailure: true },
  );
});
