/** What the organizers' tests store. */
import { FORMATS } from "../../kv/formats.ts";
import type { Organizer } from "../../kv/organizers.ts";
import { NOW } from "../support/fixture.ts";

export function anOrganizer(number = 0, overrides: Partial<Organizer> = {}): Organizer {
  return {
    format: FORMATS.organizer.current,
    id: `org_${String(number).padStart(26, "0")}`,
    name: "Royal Hall",
    url: null,
    externalId: null,
    isWithheld: false,
    createdAt: NOW,
    updatedAt: NOW,
    ...overrides,
  };
}
