/** The look of the reference and of the pages about problems, beside `stylesheet.ts`. */
import { versionOf } from "./asset_version.ts";

export const REFERENCE_STYLESHEET = String.raw`
code, pre { font-family: ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; }
code { font-size: 0.9em; }
h3, h4 { margin: 0; font-family: var(--serif); font-weight: 600; line-height: 1.25; }
h3 { font-size: 1.25rem; }
h4 { margin-block: 1.25rem 0.25rem; font: 600 0.875rem/1.4 var(--sans); color: var(--soft); }
pre {
  margin: 0.25rem 0 0;
  padding: 0.8rem 1rem;
  white-space: pre-wrap;
  border: 1px solid var(--line);
  border-radius: 8px;
  background: var(--stub);
  font-size: 0.8125rem;
  line-height: 1.55;
  tab-size: 2;
}
.curl { user-select: all; }
[id] { scroll-margin-block-start: 1rem; }

.reference { display: grid; grid-template-columns: minmax(0, 1fr); gap: 2rem; }
.reference nav { font-size: 0.9375rem; }
.reference nav > ul { display: flex; flex-wrap: wrap; gap: 0.25rem 1.25rem; }
.reference nav > ul > li > a { font-weight: 600; }
.reference nav a { display: inline-block; padding-block: 0.15rem; text-decoration: none; }
.reference nav a:hover { text-decoration: underline; }
.reference nav ul ul { display: none; }
.reference h2 { margin-block: 3rem 0.5rem; font-size: 1.75rem; }
.lead { max-width: 42rem; margin-block-start: 0.9rem; }

.operation {
  margin-block-start: 1.5rem;
  padding: 1.25rem clamp(1rem, 3vw, 1.75rem) 1.5rem;
  border: 1px solid var(--line);
  border-radius: 12px;
  background: var(--paper);
}
.operation p { margin-block-start: 0.5rem; }
.operation:target { border-color: var(--red); }
.address { overflow-wrap: anywhere; }
.address b {
  display: inline-block;
  padding: 0.05rem 0.5rem;
  border-radius: 6px;
  background: var(--stub);
  font-size: 0.8125rem;
  letter-spacing: 0.03em;
}
.address b[data-method="delete"] { background: var(--mark); color: var(--cream); }
.caller { color: var(--soft); font-size: 0.9375rem; }

.fields > div { padding-block: 0.5rem; border-block-start: 1px solid var(--line); }
.fields > div:first-child { border-block-start: 0; }
.fields dt { display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 0.6rem; }
.fields dt > code { font-weight: 600; }
.fields dd { color: var(--soft); font-size: 0.9375rem; }
.fields .fields { margin-block-start: 0.4rem; padding-inline-start: 0.9rem; border-inline-start: 2px solid var(--line); }
.fields .fields > div { border: 0; padding-block: 0.2rem; }
.type { color: var(--soft); font-size: 0.875rem; }
.problem .fields a { text-decoration: none; }
.problem .fields a:hover { text-decoration: underline; }
.required, .optional { font-size: 0.8125rem; font-weight: 600; }
.required { color: var(--red); }

.problem { max-width: 46rem; margin-inline: auto; }
.problem h1 { margin-block-start: 0.75rem; font-size: clamp(1.5rem, 1.3rem + 1vw, 2rem); }
.problem h2 { margin-block-end: 0.5rem; font-size: 1.25rem; }
@media (min-width: 30.01rem) { .problem .facts div { grid-template-columns: 7rem 1fr; } }
.problem .fields { margin-block-start: 1.5rem; }

@media (min-width: 62rem) {
  .reference { grid-template-columns: 15rem minmax(0, 1fr); gap: 3rem; }
  .reference nav {
    position: sticky;
    inset-block-start: 0;
    align-self: start;
    max-height: 100vh;
    overflow-y: auto;
    padding-block: 1rem;
    font-size: 0.875rem;
  }
  .reference nav > ul { display: block; }
  .reference nav > ul > li { margin-block-end: 0.9rem; }
  .reference nav ul ul { display: block; }
  .reference nav ul ul a { color: var(--soft); line-height: 1.35; }
}
`.trimStart();

export const REFERENCE_STYLESHEET_URL = `/assets/reference.css?v=${
  versionOf(REFERENCE_STYLESHEET)
}`;
