/** The list of what is on. */
import type { EventCard } from "../../kv/event_record.ts";
import { Cards } from "./cards.tsx";
import { type Followed, Layout } from "./layout.tsx";

export interface ListPageProps {
  events: EventCard[];
  tag: string | null;
  /** Whether pages come before this one. */
  continued: boolean;
  nextCursor: string | null;
  now: number;
  openEndedMs: number;
  followed: Followed | undefined;
}

export function ListPage(
  { events, tag, continued, nextCursor, now, openEndedMs, followed }: ListPageProps,
) {
  const onePage = !continued && nextCursor === null;
  return (
    <Layout
      title={tag === null ? "What’s on" : `What’s on: ${tag}`}
      description="Events that are happening now or coming up."
      now={now}
      followed={followed}
    >
      <div class="list-head">
        <hgroup>
          <h1 tabindex={-1}>
            What’s on
            {tag === null ? null : (
              <>
                : <span class="tag-name" dir="auto">{tag}</span>
              </>
            )}
          </h1>
          <p class="count">
            <span data-count>{events.length}</span>{" "}
            <span data-noun>{events.length === 1 ? "event" : "events"}</span>
            {onePage ? null : " on this page"}
          </p>
        </hgroup>
        {tag === null ? null : <a class="quiet" href="/">Show all events</a>}
      </div>
      <Cards events={events} part={{ continued, nextCursor }} now={now} openEndedMs={openEndedMs} />
      <div class="empty" data-empty hidden={events.length > 0}>
        <p class="empty-title">The stage is empty</p>
        <p>
          {nextCursor !== null
            ? "Nothing more is on among these; the next page goes on."
            : tag === null
            ? "Nothing is on, and nothing is announced yet."
            : "Nothing with this tag is on or announced."}
        </p>
      </div>
      {onePage ? null : (
        <nav class="pager" aria-label="Pages">
          {continued ? <a href={listUrl(tag, null)}>Back to the start</a> : null}
          {nextCursor === null
            ? null
            : <a class="next" rel="next" href={listUrl(tag, nextCursor)}>Later events</a>}
        </nav>
      )}
    </Layout>
  );
}

function listUrl(tag: string | null, cursor: string | null): string {
  const query = new URLSearchParams();
  if (tag !== null) query.set("tag", tag);
  if (cursor !== null) query.set("cursor", cursor);
  return query.size === 0 ? "/" : `/?${query}`;
}
