/** Pages as a browser asks for them, and their forms as it sends them. */
import assert from "node:assert/strict";
import type { TestApp } from "./fixture.ts";

type Fields = Record<string, string | string[]>;
type Headers = Record<string, string>;

/** What is sent with every request of a browser. */
const BROWSER = { accept: "text/html,application/xhtml+xml,*/*;q=0.8" };

export async function openPath(t: TestApp, path: string, headers: Headers = {}) {
  return await t.request("GET", path, { headers: { ...BROWSER, ...headers } });
}

/** Sends a form; a field of several values is sent as often. */
export async function sendForm(
  t: TestApp,
  path: string,
  { fields, headers = {} }: { fields: Fields; headers?: Headers },
): Promise<Response> {
  const body = new URLSearchParams();
  for (const [name, value] of Object.entries(fields)) {
    for (const one of [value].flat()) body.append(name, one);
  }
  const type = { "content-type": "application/x-www-form-urlencoded" };
  return await t.request("POST", path, {
    body: body.toString(),
    headers: { ...BROWSER, ...type, ...headers },
  });
}

/** Status, then content type; the page's markup. */
export async function pageOf(response: Response, status = 200): Promise<string> {
  const text = await response.text();
  assert.equal(response.status, status, wordsOf(text));
  assert.equal(response.headers.get("content-type"), "text/html; charset=UTF-8");
  return text;
}

/** Asserts that the answer leads on to `location`. */
export function assertLeadsTo(response: Response, location: string): void {
  assert.deepEqual([response.status, response.headers.get("location")], [303, location]);
}

/** The words of a page, without its markup. */
export function wordsOf(html: string): string {
  return html.replace(/<head>.*<\/head>/s, "").replace(/<[^>]*>/g, " ").replace(/\s+/g, " ");
}
