/**
 * Sending a request again when that is harmless and may help: when too many came, when the server
 * cannot just now, and when no answer arrived.
 *
 * Reading is harmless. So is a POST or PATCH, because each gets an `Idempotency-Key` that stays the
 * same: it is done once, and the later ones are answered as the first. A body that streams can be
 * sent once only, and the lines of an import need not have ids by which they are found again.
 */

export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

export interface RetryOptions {
  /** What sends a request once; the platform's own unless given. */
  fetch?: Fetch;
  /** How often a request is sent again at most; 3 unless given, 0 is never. */
  retries?: number;
  /**
   * The longest wait before it is sent again, milliseconds; 30 s unless given. Whoever asks for a
   * longer one by `Retry-After` is not asked again.
   */
  maxWaitMs?: number;
  /** Waits; rejects with the signal's reason once that is aborted. */
  wait?: (ms: number, signal?: AbortSignal) => Promise<void>;
  /** From 0 to 1, for waits that nobody asked for. */
  random?: () => number;
}

/** The wait doubles each time, from this on. */
const FIRST_WAIT_MS = 500;

/** Too many requests; what stands before the server lost it; not just now. */
const NOT_NOW = [429, 502, 503, 504];

/** A `fetch` that does not give up at once. What it rejects with is what the last try did. */
export function persistentFetch(
  {
    fetch: send = (input, init) => fetch(input, init),
    retries = 3,
    maxWaitMs = 30_000,
    wait = waited,
    random = Math.random,
  }: RetryOptions = {},
): Fetch {
  return async (input, given = {}) => {
    const init = keyed(given);
    const { method = "GET", signal } = init;
    let mayBeDone = false;
    for (let tried = 0;; tried++) {
      const isLast = tried >= retries || !isHarmless(init);
      // Full jitter, so that those who were refused together do not come back together.
      let waitMs = Math.min(maxWaitMs, FIRST_WAIT_MS * 2 ** tried) * random();
      try {
        const response = await send(input, init);
        // Of lines the beginning is good for something; JSON that breaks off is as good as lost.
        if (isJson(response.headers)) await response.clone().arrayBuffer();
        // Nobody knows whether this request deleted it, but it is gone.
        if (method === "DELETE" && response.status === 404 && mayBeDone) {
          await response.body?.cancel();
          return new Response(null, { status: 204 });
        }
        waitMs = retryAfterMs(response.headers) ?? waitMs;
        if (isLast || !isWorthTrying(response) || waitMs > maxWaitMs) return response;
        await response.body?.cancel();
        mayBeDone ||= response.status >= 500;
      } catch (error) {
        // That is how `fetch` tells of the network; anything else is no accident.
        if (isLast || signal?.aborted || !(error instanceof TypeError)) throw error;
        mayBeDone = true;
      }
      await wait(waitMs, signal ?? undefined);
    }
  };
}

/** With a key, where the server takes one, unless the caller has chosen it. */
function keyed(init: RequestInit): RequestInit {
  const headers = new Headers(init.headers);
  if (isKeyed(init) && !headers.has("idempotency-key")) {
    headers.set("idempotency-key", newKey());
  }
  // Platforms other than Deno want it said that the answer comes after the body.
  return { ...init, headers, ...(isOneText(init) ? {} : { duplex: "half" }) };
}

/** Not `randomUUID()`, which browsers keep from pages without https. */
function newKey(): string {
  const parts = [...crypto.getRandomValues(new Uint32Array(4))];
  return parts.map((part) => part.toString(36).padStart(7, "0")).join("");
}

function isHarmless(init: RequestInit): boolean {
  return isKeyed(init) || ["GET", "HEAD", "DELETE"].includes(init.method ?? "GET");
}

function isKeyed({ method, headers: given, ...init }: RequestInit): boolean {
  const headers = new Headers(given);
  return (method === "POST" || method === "PATCH") && isOneText(init) &&
    (isJson(headers) || !headers.has("content-type"));
}

function isJson(headers: Headers): boolean {
  return /[/+]json\b/i.test(headers.get("content-type") ?? "");
}

/** Whether the body, if any, is there as a whole. */
function isOneText({ body }: RequestInit): boolean {
  return body === undefined || body === null || typeof body === "string";
}

/** A conflict that passes says when; others stay what they are. */
function isWorthTrying({ status, headers }: Response): boolean {
  return NOT_NOW.includes(status) || (status === 409 && headers.has("retry-after"));
}

/**
 * What `Retry-After` says, in milliseconds; null when it says nothing (RFC 9110 section 10.2.3). A
 * date counts from the answer's own, so that no two clocks need agree.
 */
export function retryAfterMs(headers: Headers): number | null {
  const text = headers.get("retry-after") ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1_000;
  if (!text.endsWith(" GMT")) return null;
  const ms = Date.parse(text) - Date.parse(headers.get("date") ?? "");
  return Number.isNaN(ms) ? null : Math.max(0, ms);
}

function waited(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const abort = () => {
      clearTimeout(timer);
      reject(signal!.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", abort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", abort, { once: true });
  });
}
