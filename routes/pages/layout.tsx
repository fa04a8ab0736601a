/** What every page has around it, and how a page is sent: its policy and how long it may be kept. */
import type { Context } from "hono";
import { html } from "hono/html";
import type { Child } from "hono/jsx";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { GUEST, type Principal } from "../../lifecycle/policy.ts";
import type { AppEnv } from "../app_deps.ts";
import { AccountLink, VisitorContext } from "./account.tsx";
import { LIVE_SCRIPT_URL } from "./live_script.ts";
import { STYLESHEET_URL } from "./stylesheet.ts";

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' https: data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

const HEADERS = {
  // Who asks decides what is shown; and a kept copy would show what is over by now.
  "cache-control": "private, no-cache",
  "content-security-policy": CONTENT_SECURITY_POLICY,
  "x-content-type-options": "nosniff",
  "referrer-policy": "strict-origin-when-cross-origin",
};

/** The way back in a browser, which asks nobody, must not lead to it after the sign-out. */
function headersFor({ userId }: Principal) {
  return userId === null ? HEADERS : { ...HEADERS, "cache-control": "no-store" };
}

// Without one, browsers ask for /favicon.ico.
const ICON = "data:image/svg+xml," + encodeURIComponent(
  `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32">` +
    `<rect width="32" height="32" rx="6" fill="#2a0a0e"/>` +
    `<path fill="#b3202f" d="M3 4h26v4H3zM3 8h11C14 17 10 24 3 28zM29 8H18c0 9 4 16 11 20z"/>` +
    `</svg>`,
);

export interface Followed {
  /** The address of the stream of changes. */
  stream: string;
  /** Where the journal stood before the page was read: from there on it is followed. */
  position: string;
}

export interface LayoutProps {
  /** Of the document; the name of the site is added. */
  title: string;
  description?: string;
  /** Epoch milliseconds: when the page was made, which the script tells the time by. */
  now: number;
  /** What the script follows, where that can change what the page shows. */
  followed?: Followed | undefined;
  /** Whether search engines may keep it. */
  indexed?: boolean;
  /** The address of a stylesheet of its own. */
  stylesheet?: string;
  children: Child;
}

export function Layout(
  { title, description, now, followed, indexed = true, stylesheet, children }: LayoutProps,
) {
  return (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <title>{`${title} · Curtain`}</title>
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="theme-color" content="#5c0a16" />
        {description ? <meta name="description" content={description} /> : null}
        {indexed ? null : <meta name="robots" content="noindex" />}
        <link rel="icon" href={ICON} />
        <link rel="stylesheet" href={STYLESHEET_URL} />
        {stylesheet ? <link rel="stylesheet" href={stylesheet} /> : null}
        <script type="module" src={LIVE_SCRIPT_URL}></script>
      </head>
      <body
        data-now={String(now)}
        data-stream={followed?.stream}
        data-position={followed?.position}
      >
        <a class="skip" href="#main">Skip to the content</a>
        <header class="valance">
          <a class="wordmark" href="/">Curtain</a>
          <AccountLink />
        </header>
        <div class="visually-hidden" aria-live="polite" data-announcer></div>
        <main id="main" tabindex={-1}>{children}</main>
        <footer>
          <p>
            Times are those of each event’s own time zone. When an event is over, its curtain falls.
          </p>
          <p>
            <a href="/docs">The API</a>
          </p>
        </footer>
      </body>
    </html>
  );
}

/** Answers with a page. */
export function sendPage(
  c: Context<AppEnv>,
  page: Child,
  status: ContentfulStatusCode = 200,
): Response | Promise<Response> {
  const { pathname, search } = new URL(c.req.url);
  const principal = c.get("principal") ?? GUEST;
  const visitor = { principal, path: pathname + search };
  const whole = <VisitorContext.Provider value={visitor}>{page}</VisitorContext.Provider>;
  return c.html(html`<!DOCTYPE html>${whole}`, status, headersFor(principal));
}

/** Answers with a page that is rendered already. */
export function sendText(c: Context<AppEnv>, text: string): Response {
  return c.html(text, 200, HEADERS);
}

/** Answers with a stylesheet or a script; its address changes with its content. */
export function sendAsset(c: Context<AppEnv>, text: string, type: string): Response {
  return c.body(text, 200, {
    "content-type": `${type}; charset=utf-8`,
    "cache-control": "public, max-age=300",
    "x-content-type-options": "nosniff",
  });
}
