/**
 * A bare server to compare a start with: `start_peer.ts zod|contract`. Prints its address.
 *
 * `zod` is Hono and a zod schema, `contract` the same made by `@hono/zod-openapi`, which the program
 * has for its contract. Imported when wanted, so that neither loads what the other needs.
 */
type Handler = (request: Request) => Response | Promise<Response>;

async function zodApp(): Promise<Handler> {
  const { Hono } = await import("hono");
  const { z } = await import("zod");
  const Query = z.strictObject({ limit: z.string().default("20").transform(Number) });
  const app = new Hono();
  app.get("/v1/events", (c) => c.json({ items: [], ...Query.parse(c.req.query()) }));
  return app.fetch;
}

async function contractApp(): Promise<Handler> {
  const { createRoute, OpenAPIHono, z } = await import("@hono/zod-openapi");
  const query = z.strictObject({ limit: z.string().default("20").transform(Number) });
  const schema = z.object({ items: z.array(z.string()), limit: z.number() });
  const app = new OpenAPIHono();
  const route = createRoute({
    method: "get",
    path: "/v1/events",
    request: { query },
    responses: { 200: { description: "A page", content: { "application/json": { schema } } } },
  });
  app.openapi(route, (c) => c.json({ items: [], ...c.req.valid("query") }, 200));
  return app.fetch;
}

const handler = await (Deno.args[0] === "zod" ? zodApp : contractApp)();
Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(`http://127.0.0.1:${port}`),
}, handler);
