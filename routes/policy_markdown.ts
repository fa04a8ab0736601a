/** The table of rights as the README shows it: `deno task policy` writes it there. */
import { EVENT_STATUSES, VISIBILITIES } from "../kv/event_record.ts";
import {
  EVENT_RULES,
  type EventRule,
  ORGANIZER_RULES,
  type Relation,
} from "../lifecycle/policy_table.ts";

const BEGIN = "<!-- policy: written by `deno task policy` -->";
const END = "<!-- /policy -->";

const WHO: Record<Relation, string> = {
  none: "anybody",
  viewer: "viewers",
  editor: "editors",
  owner: "owners",
  admin: "administrators",
};

/** Two tables of Markdown, of events and of organizers, as the formatter would lay them out. */
export function policyMarkdown(): string {
  const events = EVENT_RULES.map((rule) => [
    rule.meaning,
    WHO[rule.relation],
    among(rule.visibility, VISIBILITIES),
    among(rule.status, EVENT_STATUSES),
  ]);
  const organizers = ORGANIZER_RULES.map(({ meaning, relation }) => [meaning, WHO[relation]]);
  return [
    table(["to an event", "from", "visibility", "status"], events),
    table(["to an organizer", "from"], organizers),
  ].join("\n\n");
}

/** The README with today's table between its marks. @throws when the marks are not there. */
export function withPolicy(readme: string): string {
  const from = readme.indexOf(BEGIN);
  const to = readme.indexOf(END);
  if (from === -1 || to < from) throw new Error(`There is no place between ${BEGIN} and ${END}.`);
  const before = readme.slice(0, from + BEGIN.length);
  return `${before}\n\n${policyMarkdown()}\n\n${readme.slice(to)}`;
}

/** Names what is left out where that is shorter. */
function among(some: EventRule["visibility"] | EventRule["status"], all: readonly string[]) {
  if (some === undefined) return "any";
  const others = all.filter((one) => !(some as readonly string[]).includes(one));
  return others.length < some.length && others.length < 2
    ? `all but ${others.join(", ")}`
    : some.join(", ");
}

function table(head: string[], rows: string[][]): string {
  const widths = head.map((_, i) => Math.max(...[head, ...rows].map((row) => row[i]!.length)));
  const line = (cells: string[]) =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(" | ")} |`;
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...rows.map(line)].join("\n");
}
