/** Without Redis: the KV Connect server tells of other processes' commits. */
import { watchJournal } from "../../kv/journal_watch.ts";
import type { Store } from "../../kv/store.ts";
import type { Logger } from "../log.ts";
import { backoffMs } from "./backoff.ts";
import type { Upstream } from "./hub.ts";
import { Pause } from "./pause.ts";

export function kvWatchUpstream(store: Store, log: Logger): Upstream {
  return {
    open({ look }) {
      const pause = new Pause();
      let isClosed = false;
      let failures = 0;
      let close = () => {};
      const run = async () => {
        for (;;) {
          try {
            const watching = watchJournal(store, () => {
              failures = 0;
              look();
            });
            close = watching.close;
            await watching.ended;
          } catch (error) {
            const level = failures === 0 ? "warn" : "debug";
            log[level]("the store's changes cannot be watched; trying again", { error });
          }
          if (isClosed) return;
          await pause.wait(backoffMs(failures++));
          if (isClosed) return;
        }
      };
      const ended = run();
      return {
        close() {
          isClosed = true;
          close();
          pause.end();
          return ended;
        },
      };
    },
  };
}
