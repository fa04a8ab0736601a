/** What the organizers' tests store. */
import { type Organizer, ORGANIZER_FORMAT } from "../../kv/organizers.ts";
import { NOW } from "../support/fixture.ts";

export function anOrganizer(number = 0, overrides: Partial<Organizer> = {}): Organizer {
  return {
    format: ORGANIZER_FORMAT,
    id: `org_${String(number).padStart(26, "0")}`,
    name: "Royal Hall",
    url: null,
    externalId: null,
    createdAt: NOW,
    updatedAt: NOW,
    ...overrides,
  };
}
