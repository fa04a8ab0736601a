/** The two events that are measured: one with everything an organizer may say, and one with little. */
import { newEventId } from "../../lifecycle/ids.ts";
import type { EventRecord } from "../../kv/event_record.ts";
import { indexEntries } from "../../kv/event_indexes.ts";
import { openStore } from "../../kv/store.ts";
import { aRecord, HOUR, MINUTE, NOW } from "../support/fixture.ts";

export type Size = "full" | "minimal";

/** `number` spreads the dates, so that neighbours in the index are not one instant. */
export function sizedRecord(size: Size, number: number, endDate: number): EventRecord {
  const times = { startDate: endDate - 2 * HOUR, endDate };
  const id = newEventId(NOW);
  if (size === "minimal") return aRecord({ id, tags: [], ...times });
  return aRecord({
    id,
    externalId: `bench:${id}`,
    title: `Winter Gala, evening number ${number}`,
    summary: "An evening in black tie, with an orchestra and a late supper. ".repeat(3),
    description: "Doors open at seven. The orchestra plays from eight until late. ".repeat(25),
    url: "https://example.org/events/winter-gala",
    imageUrl: "https://example.org/images/winter-gala.jpg",
    timeZone: "Europe/London",
    location: {
      name: "Royal Hall",
      address: "1 Long Street, W1",
      city: "London",
      country: "U.K.",
      latitude: 51.5,
      longitude: -0.12,
    },
    tags: ["music", "gala", "black-tie", "orchestra", "winter"],
    metadata: { ticket_system: "42", sponsor: "Example Ltd", house: "Royal Hall" },
    staff: [{ userId: "usr_alice", role: "editor" }, { userId: "usr_bob", role: "viewer" }],
    ...times,
  });
}

/** Fills a new file store with `count` events ending from `firstEnd` on, one a minute. */
export async function seed(
  path: string,
  { size, count, firstEnd }: { size: Size; count: number; firstEnd: number },
): Promise<void> {
  const store = await openStore(path);
  for (let i = 0; i < count; i += 20) {
    const operation = store.kv.atomic();
    for (let j = i; j < Math.min(i + 20, count); j++) {
      const record = sizedRecord(size, j, firstEnd + j * MINUTE);
      operation.set(["event", record.id], record);
      for (const { key, value } of indexEntries(record)) operation.set(key, value);
    }
    await operation.commit();
  }
  store.close();
}
