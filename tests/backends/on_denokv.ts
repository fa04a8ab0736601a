/**
 * Tests on a KV Connect server across the network.
 *
 * They wait more than they work, because a body above 1 KiB takes the client 44 ms. So they are in
 * two files, which run beside each other, in a folder whose name puts them first.
 */
import { type Denokv, denokvTest, findDenokv, startDenokv } from "../support/denokv.ts";
import { takeKvsFrom } from "../support/fresh_kv.ts";

/** As many as one test takes. */
const SERVERS = 2;

/** Lets `register` register tests of `what`, each of which is given servers that hold nothing. */
export async function onDenokv(what: string, register: () => Promise<void>): Promise<void> {
  if (findDenokv() === null) {
    return denokvTest(`the tests of ${what} on denokv`, () => Promise.resolve());
  }
  const servers = await Promise.all(Array.from({ length: SERVERS }, startDenokv));
  Deno.test.afterAll(async () => {
    for (const server of servers) await server[Symbol.asyncDispose]();
  });
  const used: Denokv[] = [];
  // Between the tests, because a process that is started in one has to end in it.
  Deno.test.beforeEach(async () => {
    await Promise.all(used.splice(0).map((server) => server.renew()));
  });
  takeKvsFrom(() => {
    const server = servers[used.length];
    if (server === undefined) throw new Error(`A test asks for more than ${SERVERS} stores`);
    used.push(server);
    return Deno.openKv(server.url);
  });
  await register();
}
