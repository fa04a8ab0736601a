/**
 * A change as subscribers get it: CloudEvents 1.0 in JSON. The same on streams, sockets and in
 * `/v1/changes`.
 */
import { instantText } from "../../kv/event_record.ts";
import type { Change } from "../../kv/journal.ts";
import { cardView, type EventCardView, type ViewOptions } from "../event_view.ts";
import type { Telling } from "./subscription.ts";

export interface ChangeMessage {
  specversion: "1.0";
  /** The change's id; of a leaving with `.left` after it. */
  id: string;
  source: "/v1/events";
  type: `event.${Telling}`;
  /** The event's id. */
  subject: string;
  /** When the change was recorded. */
  time: string;
  /** The event's version, ten digits: of two messages about an event the greater is the newer. */
  sequence: string;
  datacontenttype?: "application/json";
  /** The event as lists show it at the time of sending; absent when it left or was deleted. */
  data?: EventCardView;
}

/** @param id of the change, without more. */
export function messageOf(
  id: string,
  { event, version, at }: Change,
  { telling, ...view }: ViewOptions & { telling: Telling },
): ChangeMessage {
  const isLeft = telling === "left";
  return {
    specversion: "1.0",
    id: isLeft ? `${id}.left` : id,
    source: "/v1/events",
    type: `event.${telling}`,
    subject: event.id,
    time: instantText(at),
    sequence: String(version).padStart(10, "0"),
    ...(isLeft || telling === "deleted"
      ? {}
      : { datacontenttype: "application/json", data: cardView(event, view) }),
  };
}
