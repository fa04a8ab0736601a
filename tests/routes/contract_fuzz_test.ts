/**
 * Requests made up from the contract, good and hostile, to every operation: never a fault, never an
 * answer that the document does not promise, and what was refused has written nothing.
 */
import assert from "node:assert/strict";
import fc from "fast-check";
import { readPosition } from "../../kv/journal_places.ts";
import { describeApi } from "../../routes/openapi.ts";
import { type Answered, Contract } from "../support/contract.ts";
import { goodRequests, type MadeUp } from "../support/contract_requests.ts";
import { contractWorld } from "../support/contract_world.ts";
import { scaled, testApp } from "../support/fixture.ts";
import { hostileRequests } from "../support/hostile_requests.ts";
import { addressOf, send, settled } from "../support/made_up_request.ts";

/** To each operation so many good ones, and as many that are hostile. */
const REQUESTS = scaled(75, 5);
/** Of the good ones so many are answered with what was asked for, and not that it is known. */
const MIN_SERVED = scaled(25, 0);
/** In all so many statuses of operations are met, or the requests have lost their variety. */
const MIN_ENDINGS = scaled(180, 60);

/** The same each time, so that nobody's work waits for what another's has missed; others to explore. */
const SEED = Number(Deno.env.get("FUZZ_SEED") ?? 20_261_124);
const repeated = `FUZZ_SEED=${SEED} repeats it`;

/** Asks a world of its own. A request with a key that was served is sent again. */
async function ask(contract: Contract, madeUp: MadeUp): Promise<Answered[]> {
  await using world = await contractWorld();
  const request = await settled(world, madeUp);
  const { method, headers } = request;
  const asked = { method, path: addressOf(request) };
  const before = await readPosition(world.store);
  const answer = await contract.assertKept(asked, await send(world, request));
  const { status, body } = answer;
  if (madeUp.amiss === undefined) {
    assert.ok(status < 500, `${status} ${JSON.stringify(body)}`);
    const isRefused = status >= 400;
    if (isRefused) {
      assert.equal(await readPosition(world.store), before, "refused, and yet written");
    }
  }
  const isKept = /POST|PATCH/.test(method) && headers["idempotency-key"] !== undefined;
  if (status >= 300 || !isKept) return [answer];
  return [answer, await contract.assertKept(asked, await send(world, request))];
}

Deno.test("whatever is asked of an operation, the answer is one that the contract promises", async (t) => {
  await using described = await testApp();
  const contract = new Contract(describeApi(described.app));
  let total = 0;
  let seed = SEED;
  const endings = new Set<string>();
  const run = (requests: fc.Arbitrary<MadeUp>, look: (answer: Answered) => void) =>
    fc.assert(
      fc.asyncProperty(requests, async (request) => {
        for (const answer of await ask(contract, request)) {
          total++;
          endings.add(`${answer.operation?.name} ${answer.status}`);
          look(answer);
        }
      }),
      { numRuns: REQUESTS, seed: seed++ },
    ).catch((error) => {
      throw new Error(repeated, { cause: error });
    });
  for (const operation of contract.operations) {
    await t.step(operation.name, async () => {
      const good = goodRequests(contract, operation);
      // A socket takes a connection, which a request by itself is not.
      const isSocket = "101" in operation.operation.responses;
      let served = 0;
      await run(good, ({ status, body }) => {
        assert.ok(
          status < (isSocket ? 427 : 400),
          `${status} to what is good: ${JSON.stringify(body)}`,
        );
        if (status < 300 || isSocket) served++;
      });
      assert.ok(served >= MIN_SERVED, `${served} of ${REQUESTS} were served; ${repeated}`);
      await run(hostileRequests(contract, operation, good), () => {});
    });
  }
  assert.ok(total >= 2 * REQUESTS * contract.operations.length, `${total}; ${repeated}`);
  assert.ok(total >= scaled(3_000, 250), `${total} requests; ${repeated}`);
  assert.ok(endings.size >= MIN_ENDINGS, `${endings.size} endings; ${repeated}`);
});
