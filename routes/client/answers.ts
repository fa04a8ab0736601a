/** What is read of answers: the body, the tag, and lists page by page. */

/** The body of a JSON answer. `await bodyOf(client.v1.events.$get())` */
export async function bodyOf<Body>(
  answer: Answered<Body> | Promise<Answered<Body>>,
): Promise<Body> {
  return await (await answer).json();
}

interface Answered<Body> {
  json(): Promise<Body>;
}

/**
 * The entity tag, for the `If-Match` of the change that follows.
 * @throws {TypeError} for an answer without one.
 */
export function etagOf({ headers }: { headers: Headers }): string {
  const etag = headers.get("etag");
  if (etag === null) throw new TypeError("This answer carries no ETag.");
  return etag;
}

/** An endpoint that answers a page: `client.v1.events.$get`. */
type List = (...args: never[]) => Promise<Answered<{ items: unknown[] }>>;

type Page<L extends List> = Awaited<ReturnType<Awaited<ReturnType<L>>["json"]>>;

/**
 * The pages of a list, each asked for when the one before has been gone through. What follows the
 * list is what it is called with: filters, `limit`, and where to begin.
 */
export async function* pages<L extends List>(
  list: L,
  ...[args, options]: Parameters<L>
): AsyncGenerator<Page<L>, void> {
  const call = list as unknown as (args: unknown, options: unknown) => ReturnType<L>;
  const { query, ...rest } = (args ?? {}) as { query?: Record<string, unknown> };
  for (let next: Record<string, string> | null = {}; next !== null;) {
    const page: Page<L> = await bodyOf(call({ ...rest, query: { ...query, ...next } }, options));
    yield page;
    next = nextOf(page);
  }
}

/** The items of a list, from all its pages. `for await (const event of items(client.v1.events.$get))` */
export async function* items<L extends List>(
  list: L,
  ...args: Parameters<L>
): AsyncGenerator<Page<L>["items"][number], void> {
  for await (const page of pages(list, ...args)) yield* page.items;
}

/** Every list names it alike: `next_cursor` is the `cursor` of the page that follows. */
function nextOf(page: object): Record<string, string> | null {
  for (const [name, value] of Object.entries(page)) {
    const [, parameter] = /^next_(\w+)$/.exec(name) ?? [];
    if (parameter !== undefined && value !== null) return { [parameter]: String(value) };
  }
  return null;
}
