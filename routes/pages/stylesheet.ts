/**
 * The look of the pages: a theatre's deep red and warm neutrals, in a light and a dark house.
 *
 * A string and not a file, because deployed code reads no files. Text reaches 4.5:1 on what is
 * behind it, marks reach 3:1 (WCAG 2.2 AA).
 */
import { versionOf } from "./asset_version.ts";

export const STYLESHEET = String.raw`
:root {
  color-scheme: light dark;
  --house: light-dark(#f7f1e8, #17100e);
  --paper: light-dark(#fffdf9, #221917);
  --stub: light-dark(#f3e8da, #2d211e);
  --line: light-dark(#e3d5c4, #3d2e2a);
  --ink: light-dark(#2b1b17, #f4eae1);
  --soft: light-dark(#6b554c, #c0aca1);
  --red: light-dark(#8f1526, #ff9c98);
  --mark: light-dark(#8f1526, #a31c2e);
  --gold: #d9ab5b;
  --cream: #fff4e3;
  --velvet: repeating-linear-gradient(
    90deg, #4f0812 0, #7d1120 12px, #9a1a2b 20px, #7a101e 28px, #4f0812 40px
  );
  --serif: "Iowan Old Style", "Palatino Linotype", Palatino, "Book Antiqua", "Noto Serif",
    Georgia, "Liberation Serif", serif;
  --sans: system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
}

*, ::before, ::after { box-sizing: border-box; }
[hidden] { display: none !important; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }

body {
  margin: 0;
  min-height: 100vh;
  min-height: 100dvh;
  display: flex;
  flex-direction: column;
  background: var(--house);
  color: var(--ink);
  font: 1rem/1.5 var(--sans);
  overflow-wrap: anywhere;
}

h1, h2, p, ul, dl, dd { margin: 0; padding: 0; }
ul { list-style: none; }
h1, h2 { font-family: var(--serif); font-weight: 600; line-height: 1.2; text-wrap: balance; }
h1 { font-size: clamp(1.9rem, 1.5rem + 2vw, 2.9rem); letter-spacing: -0.01em; }
a { color: var(--red); text-underline-offset: 0.2em; text-decoration-thickness: 1px; }
a:hover { text-decoration-thickness: 2px; }
:focus-visible { outline: 3px solid var(--red); outline-offset: 3px; border-radius: 3px; }
main:focus, h1:focus { outline: none; }

.visually-hidden {
  position: absolute;
  width: 1px;
  height: 1px;
  overflow: hidden;
  clip-path: inset(50%);
  white-space: nowrap;
}

.skip {
  position: absolute;
  inset-block-start: -5rem;
  inset-inline-start: 1rem;
  z-index: 10;
  padding: 0.6rem 1rem;
  background: var(--paper);
  border-radius: 0 0 8px 8px;
}
.skip:focus { inset-block-start: 0; }

/* The valance: folds of velvet that end in scallops, under a gold trim. */
.valance {
  position: relative;
  padding: 1.1rem 1rem 0.9rem;
  text-align: center;
  background: linear-gradient(#1c0306b3, #1c030626), var(--velvet);
}
.valance::before, .valance::after {
  content: "";
  position: absolute;
  inset: calc(100% - 1px) 0 auto;
  height: 20px;
  mask: radial-gradient(50% 100% at 50% 0, #000 calc(100% - 1px), #0000) 50% 0 / 40px 100%;
}
.valance::before { height: 24px; background: var(--gold); }
.valance::after { background: var(--velvet) calc(50% + 20px) 0 / 40px 100%; }
.wordmark {
  position: relative;
  display: inline-block;
  padding: 0.1rem 0.4rem;
  color: var(--cream);
  font: 600 1.75rem/1.2 var(--serif);
  letter-spacing: 0.06em;
  text-decoration: none;
  text-shadow: 0 1px 3px #1c0306;
}
.wordmark:focus-visible { outline-color: var(--cream); }

.account {
  position: absolute;
  inset-block-start: 0.9rem;
  inset-inline-end: clamp(0.75rem, 4vw, 2rem);
  max-width: min(28vw, 16rem);
  font-size: 0.875rem;
}
.account a {
  display: block;
  padding: 0.5rem 0.25rem;
  overflow: hidden;
  color: var(--cream);
  text-overflow: ellipsis;
  text-shadow: 0 1px 3px #1c0306;
  white-space: nowrap;
}
.account a:focus-visible { outline-color: var(--cream); }

/* Forms, and what is one's own. */
.sheet { max-width: 34rem; margin-inline: auto; display: grid; gap: 1.25rem; }
.form { display: grid; gap: 0.5rem; justify-items: start; }
.form label { font-weight: 600; }
.form input:not([type="hidden"], [type="checkbox"], [type="radio"]), select, textarea {
  min-height: 2.75rem;
  padding: 0.5rem 0.75rem;
  border: 1px solid var(--soft);
  border-radius: 8px;
  background: var(--paper);
  color: var(--ink);
  font: inherit;
}
.form input:not([type="hidden"], [type="checkbox"], [type="radio"]), .form select, textarea { width: 100%; }
.note { color: var(--soft); font-size: 0.875rem; }
.wrong { color: var(--red); }
fieldset { display: grid; gap: 0.25rem; width: 100%; margin: 0; padding: 0; border: 0; }
legend { padding: 0; font-weight: 600; }
.form label.choice { display: flex; gap: 0.75rem; padding-block: 0.3rem; font-weight: 400; }
.choice input { flex: none; width: 1.25rem; height: 1.25rem; margin-block-start: 0.15rem; accent-color: var(--mark); }
code, .secret { font-family: ui-monospace, "Liberation Mono", monospace; font-size: 0.875em; }
textarea { resize: vertical; field-sizing: content; }
.own { max-width: 46rem; }
.own section { display: grid; gap: 0.75rem; margin-block-start: 1.25rem; }
.own h2 { font-size: 1.5rem; }
.own h3 { margin: 0.75rem 0 0; font: 600 1rem/1.4 var(--sans); color: var(--soft); }
.own .notice { margin: 0; display: grid; gap: 0.75rem; }
.own .notice .form label { font-size: 0.875rem; }
.own .facts { margin-block: 0; }
.own-head { display: flex; flex-wrap: wrap; align-items: center; justify-content: space-between; gap: 0.75rem; }
.own .pager { margin-block-start: 0; }
.rows { margin: 0; padding: 0; list-style: none; border-block-end: 1px solid var(--line); }
.rows li {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  justify-content: space-between;
  gap: 0.5rem 1rem;
  padding-block: 0.75rem;
  border-block-start: 1px solid var(--line);
}
.row-text { flex: 1 1 16rem; display: grid; gap: 0.1rem; min-width: 0; }
.row-forms { display: flex; flex-wrap: wrap; gap: 0.5rem; }
.inline { display: flex; gap: 0.5rem; }
.inline select { min-height: 2.25rem; padding-block: 0.25rem; }
button.minor {
  min-height: 2.25rem;
  padding: 0.3rem 0.9rem;
  border: 1px solid var(--soft);
  background: none;
  color: var(--red);
  font-size: 0.9375rem;
}
.roles { display: flex; flex-wrap: wrap; gap: 0.25rem 1.5rem; color: var(--soft); font-size: 0.875rem; }
.roles div { display: flex; gap: 0.4rem; }
.roles dt { flex: none; font-weight: 600; }
.internal { display: grid; gap: 1rem; margin-block-start: 3rem; }
.button, button {
  display: inline-block;
  min-height: 2.75rem;
  padding: 0.6rem 1.1rem;
  border: 0;
  border-radius: 8px;
  background: var(--mark);
  color: var(--cream);
  font: 600 1rem/1.5 var(--sans);
  text-decoration: none;
  cursor: pointer;
}
.other-way summary { min-height: 2.75rem; padding-block: 0.6rem; color: var(--red); cursor: pointer; }

main, footer { width: min(76rem, 100%); margin-inline: auto; padding-inline: clamp(1rem, 4vw, 2rem); }
main { flex: 1; padding-block: clamp(3.25rem, 7vw, 4.5rem) 3rem; }
footer {
  padding-block: 1.25rem 2rem;
  color: var(--soft);
  font-size: 0.875rem;
  text-align: center;
  text-wrap: balance;
}

.list-head, .list-head hgroup {
  display: flex;
  flex-wrap: wrap;
  align-items: baseline;
  gap: 0.25rem 1.25rem;
}
.list-head { margin-block-end: 1.75rem; }
.tag-name { color: var(--red); }
.count { color: var(--soft); font-variant-numeric: tabular-nums; }
.list-head .quiet { margin-inline-start: auto; }

.cards {
  display: grid;
  grid-template-columns: repeat(auto-fill, minmax(min(21rem, 100%), 1fr));
  gap: 1.25rem;
}
.card {
  position: relative;
  overflow: clip;
  display: grid;
  background: var(--paper);
  border: 1px solid var(--line);
  border-radius: 12px;
  box-shadow: 0 1px 2px #3a150d0f, 0 6px 20px #3a150d0d;
}
.card article {
  display: grid;
  grid-template: auto 1fr / 4.75rem 1fr;
}
.picture { position: relative; aspect-ratio: 5 / 2; overflow: hidden; background: var(--stub); }
.picture img { display: block; width: 100%; height: 100%; object-fit: cover; }
/* Browsers paint this only where the picture could not be loaded: over their sign for it. */
.picture img::after { content: ""; position: absolute; inset: 0; background: var(--velvet); }
.card .picture { grid-column: 2; aspect-ratio: 3 / 1; }

/* The torn-off end of a ticket. */
.leaf {
  display: flex;
  flex-direction: column;
  align-items: center;
  padding-block: 1.15rem 1rem;
  grid-area: 1 / 1 / 3 / 2;
  background: var(--stub);
  border-inline-end: 2px dashed var(--line);
  color: var(--soft);
  font-size: 0.8125rem;
  line-height: 1.3;
  letter-spacing: 0.04em;
}
.leaf b {
  color: var(--ink);
  font: 600 1.9rem/1.15 var(--serif);
  font-variant-numeric: lining-nums;
  letter-spacing: 0;
}
.card[data-tone="now"] .leaf {
  background: linear-gradient(#1c030633, #1c030633), var(--velvet);
  border-color: var(--gold);
  color: var(--cream);
}
.card[data-tone="now"] .leaf b { color: var(--cream); }

.card-body {
  grid-area: 2 / 2;
  display: flex;
  flex-direction: column;
  gap: 0.35rem;
  min-width: 0;
  padding: 1rem 1.15rem 1.1rem;
}
/* The column stays straight, whatever the script of its words. */
.card [dir] { text-align: left; }
.card h2, .card-summary {
  display: -webkit-box;
  -webkit-box-orient: vertical;
  -webkit-line-clamp: 4;
  overflow: hidden;
}
.card h2 { margin-block: 0.1rem 0.15rem; font-size: 1.25rem; }
.card-summary { -webkit-line-clamp: 2; color: var(--soft); font-size: 0.9375rem; }
.card h2 a { color: inherit; text-decoration-color: transparent; }
.card h2 a:hover { text-decoration-color: currentColor; }
/* The whole card leads to the event; its tags lie above. */
.card h2 a::before { content: ""; position: absolute; inset: 0; }
.card h2 a:focus-visible { outline: none; }
.card h2 a:focus-visible::before {
  outline: 3px solid var(--red);
  outline-offset: -4px;
  border-radius: 12px;
  /* The ring's own ground, where the card is red itself. */
  box-shadow: inset 0 0 0 6px var(--paper);
  z-index: 1;
  pointer-events: none;
}
.when { font-size: 0.9375rem; font-variant-numeric: tabular-nums; }
.zone, .place { color: var(--soft); }
.card .zone { display: block; font-size: 0.875rem; }
.card .dot { display: none; }
.place { font-size: 0.9375rem; }

.state { display: flex; flex-wrap: wrap; align-items: center; gap: 0.25rem 0.75rem; }
.chip {
  padding: 0.1rem 0.6rem;
  border: 1px solid var(--line);
  border-radius: 99px;
  color: var(--soft);
  font-size: 0.8125rem;
  font-weight: 500;
}
[data-tone="now"] .chip { border-color: var(--mark); background: var(--mark); color: var(--cream); }
.countdown { font-size: 0.875rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.card .countdown { color: var(--red); }
/* Without scripts nothing would count. */
@media (scripting: none) { .countdown { display: none; } }

.tags { display: flex; flex-wrap: wrap; gap: 0.4rem; margin-block-start: auto; padding-block-start: 0.5rem; }
.tags a {
  position: relative;
  display: block;
  min-height: 1.625rem;
  padding: 0.1rem 0.6rem;
  border-radius: 6px;
  background: var(--stub);
  color: var(--ink);
  font-size: 0.8125rem;
  line-height: 1.45rem;
  text-decoration: none;
}
.tags a:hover { text-decoration: underline; }

.empty { padding: clamp(2.5rem, 10vw, 6rem) 1rem; color: var(--soft); text-align: center; }
.empty-title { color: var(--ink); font: 600 1.5rem/1.3 var(--serif); }
.pager { display: flex; flex-wrap: wrap; justify-content: space-between; gap: 1rem; margin-block-start: 2rem; }
.pager a {
  padding: 0.6rem 1.2rem;
  border: 1px solid var(--red);
  border-radius: 8px;
  font-weight: 600;
  text-decoration: none;
}
.pager a:hover { text-decoration: underline; }
.pager .next { margin-inline-start: auto; }

/* The curtain falls: over a card when it is over, over the stage of an event's page. */
.card::after, .stage::after {
  content: "";
  position: absolute;
  inset: 0;
  background: linear-gradient(#0000 calc(100% - 5px), var(--gold) 0), var(--velvet);
  transform: translateY(-102%);
  transition: transform 0.55s cubic-bezier(0.5, 0, 0.25, 1);
  pointer-events: none;
}
.falling::after { transform: none; }
.falling {
  opacity: 0;
  transform: translateY(6px) scale(0.985);
  transition: opacity 0.2s 0.6s, transform 0.2s 0.6s;
}

/* It rises from a card that was added. */
.rising::after { animation: rise 0.7s cubic-bezier(0.5, 0, 0.25, 1); }
@keyframes rise { from { transform: none; } }

.event, .failure, .back { max-width: 46rem; margin-inline: auto; }

/* The stage: a slit of light before, the curtains parted while it is on, closed when it is over. */
.stage {
  position: relative;
  isolation: isolate;
  overflow: clip;
  min-height: clamp(9rem, 24vw, 12rem);
  display: grid;
  align-items: end;
  margin-block-end: 1.75rem;
  border-radius: 14px;
  background: radial-gradient(55% 110% at 50% 100%, #f7dda6 0, #c58d48 32%, #6b3722 68%, #351613);
}
.stage > *, .stage::before { grid-area: 1 / 1; }
.stage .picture { align-self: stretch; background: none; }
.stage .picture img::after { background: #351613; }
.stage::before {
  content: "";
  align-self: stretch;
  z-index: 1;
  background: var(--velvet);
  mask:
    radial-gradient(82% 78% at 100% 72%, #0000 98.5%, #000) 0 0 / 20% 100% no-repeat,
    radial-gradient(82% 78% at 0 72%, #0000 98.5%, #000) 100% 0 / 20% 100% no-repeat;
  transition: mask-size 1.2s ease-in-out;
}
[data-tone="upcoming"] .stage, [data-tone="draft"] .stage {
  background: radial-gradient(45% 80% at 50% 100%, #a9742f 0, #6b3722 50%, #2c110f);
}
[data-tone="upcoming"] .stage:not(:has(.picture))::before,
[data-tone="draft"] .stage:not(:has(.picture))::before { mask-size: 51% 100%; }
.stage::after { z-index: 2; }
[data-tone="over"] .stage::after, [data-tone="cancelled"] .stage::after { transform: none; }
[data-tone="cancelled"] .stage::after { filter: grayscale(0.8); }
.banner {
  z-index: 3;
  justify-self: center;
  display: flex;
  flex-wrap: wrap;
  justify-content: center;
  gap: 0 0.9rem;
  margin: 1rem;
  padding: 0.5rem 1.1rem;
  border-radius: 8px;
  background: #1f0a0ce6;
  color: var(--cream);
  text-align: center;
}
.banner strong, .banner [data-detail] { display: block; }
.banner strong { font-family: var(--serif); font-size: 1.125rem; font-weight: 600; }
.banner .countdown { align-self: center; color: #f6cf8a; }

.notice {
  margin-block-end: 1.5rem;
  padding: 0.7rem 1rem;
  border-inline-start: 4px solid var(--gold);
  background: var(--stub);
}
.summary { margin-block-start: 0.75rem; color: var(--soft); font-size: 1.125rem; }
.facts { margin-block: 1.75rem; border-block: 1px solid var(--line); }
.facts div { display: grid; grid-template-columns: 5.5rem 1fr; padding-block: 0.7rem; }
.facts div + div { border-block-start: 1px solid var(--line); }
.facts dt { grid-row: span 4; color: var(--soft); }
.facts dd { grid-column: 2; font-variant-numeric: tabular-nums; }
.event h1, .event .summary, .facts dd { text-align: left; }
.description { white-space: pre-wrap; max-width: 40rem; line-height: 1.65; }
.event .tags { margin-block-start: 1.5rem; }
.past { margin-block-start: 3rem; }
.past ul { margin-block: 1rem; padding: 0; list-style: none; }
.past li { padding-block: 0.6rem; border-block-start: 1px solid var(--line); }
.past .when { display: block; color: var(--soft); }
.back { margin-block-start: 2.5rem; }
.list-head ~ .back { max-width: none; }
.failure p { margin-block-start: 1rem; }

@media (max-width: 30rem) {
  .card article { grid-template-columns: 4rem 1fr; }
  .facts div { grid-template-columns: 1fr; }
  .facts dd { grid-column: 1; }
}

@media (prefers-reduced-motion: reduce) {
  *, ::before, ::after { transition: none !important; animation: none !important; }
}
`.trimStart();

export const STYLESHEET_URL = `/assets/curtain.css?v=${versionOf(STYLESHEET)}`;
