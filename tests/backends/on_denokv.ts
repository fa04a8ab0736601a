/** Tests on a KV Connect server across the network, in two files, which run beside each other. */
import { type Denokv, denokvTest, findDenokv, startDenokv } from "../support/denokv.ts";
import { takeKvsFrom } from "../support/fresh_kv.ts";
import { promptRelay } from "../support/prompt_relay.ts";

/** As many as one test takes. */
const SERVERS = 2;

/** Lets `register` register tests of `what`, each of which is given servers that hold nothing. */
export async function onDenokv(what: string, register: () => Promise<void>): Promise<void> {
  if (findDenokv() === null) {
    return denokvTest(`the tests of ${what} on denokv`, () => Promise.resolve());
  }
  const servers = await Promise.all(Array.from({ length: SERVERS }, startDenokv));
  const relays = servers.map(({ url }) => promptRelay(url));
  Deno.test.afterAll(async () => {
    for (const each of [...relays, ...servers]) await each[Symbol.asyncDispose]();
  });
  const used: Denokv[] = [];
  // Between the tests, because a process that is started in one has to end in it.
  Deno.test.beforeEach(async () => {
    await Promise.all(used.splice(0).map((server) => server.renew()));
  });
  takeKvsFrom(() => {
    const server = servers[used.length];
    if (server === undefined) throw new Error(`A test asks for more than ${SERVERS} stores`);
    const relay = relays[used.push(server) - 1]!;
    return Deno.openKv(relay.url);
  });
  await register();
}
