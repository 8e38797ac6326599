import axe from "axe-core";
import type { Page } from "playwright-core";

/** Returns the violations that axe-core finds in both colour schemes, in the page or in the elements of a selector. */
export async function violations(page: Page, within = "html"): Promise<string[]> {
  // `evaluate` bypasses the page's Content-Security-Policy.
  if (await page.evaluate("typeof axe === 'undefined'")) await page.evaluate(`${axe.source}; undefined`);
  const lines: string[] = [];
  for (const colorScheme of ["light", "dark"] as const) {
    await page.emulateMedia({ colorScheme });
    const found = (await page.evaluate(
      `axe.run("${within}", { resultTypes: ['violations'] }).then(({ violations }) => violations)`,
    )) as axe.Result[];
    for (const { id, nodes } of found)
      lines.push(...nodes.map(({ html }) => `${id}, ${colorScheme}: ${html.slice(0, 200)}`));
  }
  return lines;
}
