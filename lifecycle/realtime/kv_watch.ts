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
      let close = () => {};
      const run = async () => {
        for (let failures = 0; !isClosed; failures++) {
          const watching = watchJournal(store, look);
          close = watching.close;
          try {
            await watching.ended;
          } catch (error) {
            log.warn("the store's changes cannot be watched; trying again", { error });
          }
          if (!isClosed) await pause.wait(backoffMs(failures));
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
