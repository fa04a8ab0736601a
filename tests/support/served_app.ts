/** The app behind a real socket of loopback, for what `app.request` cannot show. */
import { type TestApp, testApp, type TestAppOptions } from "./fixture.ts";

export interface ServedApp extends TestApp {
  /** `http://127.0.0.1:<port>` */
  url: string;
}

export async function servedApp(options: TestAppOptions = {}): Promise<ServedApp> {
  const t = await testApp(options);
  const server = Deno.serve({ port: 0, hostname: "127.0.0.1", onListen: () => {} }, t.app.fetch);
  return {
    ...t,
    url: `http://127.0.0.1:${server.addr.port}`,
    async [Symbol.asyncDispose]() {
      await t.realtime.stop();
      await server.shutdown();
      await t[Symbol.asyncDispose]();
    },
  };
}
