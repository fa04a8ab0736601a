/** Asking the app over HTTP: who asks, and what an answer must be like. */
import assert from "node:assert/strict";
import { type ErrorCode, REMEDIES } from "../../kv/errors.ts";
import { readPosition } from "../../kv/journal_places.ts";
import type { EventCardView, EventView } from "../../lifecycle/event_view.ts";
import { GUEST, type Principal, ROOT } from "../../lifecycle/policy.ts";
import type { Problem } from "../../routes/errors.ts";
import { ADMIN, type TestApp } from "./fixture.ts";

/** For `testApp({ authenticate })`: the header `x-as` names the user; without one it is a guest. */
export function byName(request: Request): Principal {
  const name = request.headers.get("x-as");
  if (name === null) return GUEST;
  return name === "root" ? ROOT : { userId: `usr_${name}`, role: "member", name };
}

export const as = (name: string) => ({ "x-as": name });

/** The least a published event of tomorrow needs. */
export const TOMORROW = {
  title: "Winter Gala",
  status: "CONFIRMED" as const,
  start_date: "2026-12-06T19:30:00Z",
  end_date: "2026-12-06T23:00:00Z",
};

/** The same for a server that goes by the real clock: whenever the tests run, it is to come. */
export const LATER = {
  ...TOMORROW,
  start_date: "2090-01-01T19:30:00Z",
  end_date: "2090-01-01T23:00:00Z",
};

export interface EventListView {
  items: EventCardView[];
  next_cursor: string | null;
  position: string;
}

/** Status, then content type, then body. */
export async function json<T = EventView>(response: Response, status = 200): Promise<T> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.equal(response.headers.get("content-type"), "application/json");
  return JSON.parse(text);
}

/** The same for a problem (RFC 9457): its code from the catalogue, and what to do about it. */
export async function problem(
  response: Response,
  status: number,
  code: ErrorCode,
): Promise<Problem> {
  const text = await response.text();
  assert.equal(response.status, status, text);
  assert.equal(response.headers.get("content-type"), "application/problem+json");
  const body: Problem = JSON.parse(text);
  const { type, title, detail, remedy, request_id } = body;
  assert.deepEqual([body.status, body.code, type], [status, code, `/problems/${code}`]);
  assert.equal(remedy, REMEDIES[code]);
  for (const sentence of [title, detail, request_id]) assert.notEqual(sentence ?? "", "");
  return body;
}

/** What a problem is about: `/title required`, `limit repeated_parameter`. */
export function places({ errors = [] }: Problem): string[] {
  return errors.map(({ pointer, parameter, code }) => `${pointer ?? parameter} ${code}`);
}

export async function create(
  t: TestApp,
  headers: Record<string, string>,
  fields: Record<string, unknown> = {},
): Promise<EventView> {
  const body = { ...TOMORROW, ...fields };
  return await json(await t.request("POST", "/v1/events", { body, headers }), 201);
}

export async function list(
  t: TestApp,
  query = "",
  headers: Record<string, string> = {},
): Promise<EventListView> {
  return await json(await t.request("GET", `/v1/events${query}`, { headers }));
}

/** From here on the jobs run by hand only: neither the clock nor passing traffic sets them off. */
export async function pauseJobs(t: TestApp): Promise<void> {
  const paused = { reason: "A test", until: "2100-01-01T00:00:00Z" };
  for (const { name } of t.runner.jobs) {
    await json(await t.request("PATCH", `/v1/jobs/${name}`, { body: { paused }, headers: ADMIN }));
  }
}

/** No time that anything may take; when it is over, nobody believes any more that it will come. */
export const PATIENCE_MS = 300_000;

/**
 * Waits for what others bring about: looks again each time the event loop has turned. How often
 * says nothing, as a busy machine turns it often while somebody else does not come forward.
 */
export async function soon(condition: () => boolean | Promise<boolean>): Promise<void> {
  const giveUp = performance.now() + PATIENCE_MS;
  while (!await condition()) {
    assert.ok(performance.now() < giveUp, `it never came to be: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve));
  }
}

/** Asserts that the journal stands where it stood: `act` committed nothing. */
export async function assertWritesNothing(t: TestApp, act: () => Promise<unknown>): Promise<void> {
  const before = await readPosition(t.store);
  await act();
  assert.equal(await readPosition(t.store), before, "something was written");
}
