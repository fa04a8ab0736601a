/** Other versions of the program, to work beside today's on the same data. */
import { indexEntries } from "../../kv/event_indexes.ts";
import { cardOf } from "../../kv/event_record.ts";
import { FORMATS } from "../../kv/formats.ts";
import { SCHEMA, type Schema } from "../../kv/schema.ts";

/**
 * The next generation: a new index by city, tags in another order of key parts, and no more index
 * by staff.
 */
export const NEXT_GENERATION: Schema = {
  ...SCHEMA,
  generation: SCHEMA.generation + 1,
  indexes: nextIndexes(),
  indexEntries: (record) =>
    indexEntries(record).flatMap((entry) => {
      const { key } = entry;
      const [name, ...parts] = key;
      if (name === "events_by_staff") return [];
      if (name === "live_events_by_tag") {
        const [tag, startDate, id] = parts;
        return [{ ...entry, key: [name, "tag", tag!, startDate!, id!] }];
      }
      if (name !== "events_by_organizer") return [entry];
      const city = record.location.city ?? "";
      return [entry, {
        key: ["events_by_city", city, record.startDate, record.id],
        value: cardOf(record),
      }];
    }),
};

function nextIndexes(): Record<string, number> {
  const { events_by_staff: _, ...kept } = SCHEMA.indexes as Record<string, number>;
  const generation = SCHEMA.generation + 1;
  return { ...kept, live_events_by_tag: generation, events_by_city: generation };
}

/** The next format of events and organizers: they have a `language`, and a summary is a `teaser`. */
export const NEXT_FORMAT: Schema = {
  ...SCHEMA,
  formats: {
    ...FORMATS,
    event: {
      current: FORMATS.event.current + 1,
      steps: {
        ...FORMATS.event.steps,
        [FORMATS.event.current]: (old) => ({ ...old, language: "en" }),
      },
    },
    organizer: {
      current: FORMATS.organizer.current + 1,
      steps: {
        ...FORMATS.organizer.steps,
        [FORMATS.organizer.current]: (old) => ({ ...old, language: "en" }),
      },
    },
    job: {
      current: FORMATS.job.current + 1,
      steps: {
        ...FORMATS.job.steps,
        [FORMATS.job.current]: (old) => ({ ...old, owner: "nobody" }),
      },
    },
  },
};
