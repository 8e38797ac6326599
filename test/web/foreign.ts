import type { Page } from "playwright-core";

/**
 * Returns the texts on the page, also those that are only heard, that did not come through the words of its language. Use it
 * in the languages for tests, whose texts are between ⟦ and ⟧. What people wrote, their names and times are left out.
 */
export const foreign = (page: Page): Promise<string[]> =>
  page.evaluate(() => {
    const GIVEN =
      "bdi, .text, time, .avatar, .brand, .name, .topic, .given, .quote [dir], .what[dir], .sessions strong, blockquote, kbd, code";
    const SAID = ["aria-label", "aria-description", "alt", "placeholder", "title"];
    const found = new Set<string>();
    const note = (text: string, where: Element) => {
      let rest = text;
      // A sentence may have others inside.
      for (let before = ""; before !== rest;) rest = (before = rest).replaceAll(/⟦[^⟦⟧]*⟧/g, "");
      if (/\p{L}/u.test(rest))
        found.add(`${rest.trim()} (${where.tagName.toLowerCase()}.${where.className})`);
    };
    const walk = (element: Element): void => {
      if (element.matches("script, style, noscript, .emoji-grid button")) return;
      for (const name of SAID) {
        const value = element.getAttribute(name);
        if (
          value &&
          !(name === "alt" && element.matches(".exhibit img")) &&
          !(name === "placeholder" && element.matches(".rename input")) &&
          !(name === "title" && element.closest(`${GIVEN}, a.at, .reaction, .edited`))
        )
          note(value, element);
      }
      if (element.matches(GIVEN)) return;
      // Pieces of one sentence are text nodes of one element.
      const own = [...element.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
      for (const node of own) note(node.textContent ?? "", element);
      for (const child of element.children) walk(child);
    };
    walk(document.body);
    return [...found];
  });
