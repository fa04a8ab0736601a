/** Whether a page in a real browser is accessible, as far as a program can tell. */
import assert from "node:assert/strict";
import axe from "axe-core";
import type { Page } from "playwright-core";

interface Violation {
  id: string;
  help: string;
  nodes: { html: string; failureSummary: string }[];
}

/** Asserts that axe finds nothing. It comes by the debugger, so the page's policy stays as it is. */
export async function assertAccessible(page: Page, where: string): Promise<void> {
  await page.evaluate(axe.source);
  const violations = await page.evaluate<Violation[]>(
    "axe.run().then(({ violations }) => violations)",
  );
  const told = violations.flatMap(({ id, help, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${help}\n${html}\n${failureSummary}`)
  );
  assert.deepEqual(told, [], where);
}
