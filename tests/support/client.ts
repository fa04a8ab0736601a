/** The typed client of the app in this process. It waits for nothing, but notes what it would. */
import assert from "node:assert/strict";
import {
  type Client,
  type ClientOptions,
  createClient,
  type Fetch,
  ProblemError,
} from "../../routes/client.ts";
import { ADMIN_TOKEN, type TestApp } from "./fixture.ts";

export interface TestClient {
  client: Client;
  /** How long it would have waited, each time, milliseconds. */
  waits: number[];
}

const SOCKET = { remoteAddr: { transport: "tcp", hostname: "192.0.2.1", port: 50_000 } };

/** Sends requests to the app, as the network would. */
export function fetchOf({ app }: TestApp): Fetch {
  return async (input, init) => await app.request(input, init, SOCKET);
}

/** The administrator's client, unless `options` say otherwise. */
export function clientOf(t: TestApp, options: ClientOptions = {}): Client {
  return guestOf(t, { token: ADMIN_TOKEN, ...options });
}

/** The client of somebody without a token. */
export function guestOf(t: TestApp, options: ClientOptions = {}): Client {
  return testClient({ fetch: fetchOf(t), ...options }).client;
}

/** A client whose waits are noted; by itself it waits as long as it may. */
export function testClient(options: ClientOptions): TestClient {
  const waits: number[] = [];
  const client = createClient("http://curtain.example", {
    random: () => 1,
    wait(ms) {
      waits.push(ms);
      return Promise.resolve();
    },
    ...options,
  });
  return { client, waits };
}

/** Asserts that the promise rejects with a problem, and answers it. */
export async function problemOf(promise: Promise<unknown>): Promise<ProblemError> {
  const error = await promise.then(() => assert.fail("it was served"), (error) => error);
  assert.ok(error instanceof ProblemError, String(error));
  return error;
}
