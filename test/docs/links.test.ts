import { describe, expect, test } from "bun:test";
import { dirname, join, relative } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const PAGES = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "CHANGELOG.md",
  "bench/README.md",
  "examples/README.md",
  "clients/python/README.md",
  ...new Bun.Glob("docs/*.md").scanSync(ROOT),
];

/** Returns the anchor of a heading, as GitHub forms it. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
    .replaceAll(" ", "-");

async function anchorsOf(path: string): Promise<string[]> {
  const page = await Bun.file(path).text();
  return [...page.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchorOf(heading));
}

describe("the documents have no dead links", () => {
  for (const page of PAGES)
    test(page, async () => {
      const path = join(ROOT, page);
      const text = (await Bun.file(path).text())
        .replaceAll(/^```.*?^```$/gms, "")
        .replaceAll(/(`+)[^`].*?\1/g, "`code`");
      const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link = ""]) => link);
      const dead = [];
      for (const link of links.filter((target) => !/^https?:/.test(target))) {
        const [file = "", anchor] = link.split("#");
        const target = file ? join(dirname(path), file) : path;
        if (!(await Bun.file(target).exists())) dead.push(link);
        else if (anchor && !(await anchorsOf(target)).includes(anchor))
          dead.push(`${link} (no such heading)`);
      }
      expect(dead).toEqual([]);
    });

  test("source paths in the documents exist", async () => {
    const dead = [];
    for (const page of PAGES) {
      const text = await Bun.file(join(ROOT, page)).text();
      for (const [, path = ""] of text.matchAll(/`((?:src|test|docs|chat)\/[\w./-]+)`/g)) {
        const target = join(ROOT, path.startsWith("chat/") ? `src/${path}` : path);
        const { exitCode } = Bun.spawnSync(["test", "-e", target]);
        if (exitCode !== 0) dead.push(`${page}: ${relative(ROOT, target)}`);
      }
    }
    expect(dead).toEqual([]);
  });
});
