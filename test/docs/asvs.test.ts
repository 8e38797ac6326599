import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { tableOf } from "./transcripts.ts";

const ROOT = join(import.meta.dir, "../..");
const page = await Bun.file(join(ROOT, "docs/ASVS.md")).text();

/** The levels of the requirements at levels 1 and 2 of ASVS 5.0.0, by section: in each of them, those of level 3 come last. */
const LEVELS: Readonly<Record<string, string>> = {
  "1.1": "22",
  "1.2": "111112222",
  "1.3": "11222222222",
  "1.4": "222",
  "1.5": "12",
  "2.1": "122",
  "2.2": "112",
  "2.3": "1222",
  "2.4": "2",
  "3.2": "11",
  "3.3": "1222",
  "3.4": "112222",
  "3.5": "11122",
  "3.7": "22",
  "4.1": "122",
  "4.2": "2",
  "4.3": "22",
  "4.4": "1222",
  "5.1": "2",
  "5.2": "112",
  "5.3": "11",
  "5.4": "222",
  "6.1": "122",
  "6.2": "111111112222",
  "6.3": "1122",
  "6.4": "1122",
  "6.5": "22222",
  "6.6": "222",
  "6.8": "2222",
  "7.1": "222",
  "7.2": "1111",
  "7.3": "22",
  "7.4": "11222",
  "7.5": "22",
  "7.6": "22",
  "8.1": "12",
  "8.2": "112",
  "8.3": "1",
  "8.4": "2",
  "9.1": "111",
  "9.2": "1222",
  "10.1": "22",
  "10.2": "22",
  "10.3": "2222",
  "10.4": "11111222222",
  "10.5": "22222",
  "10.6": "22",
  "10.7": "222",
  "11.1": "22",
  "11.2": "222",
  "11.3": "112",
  "11.4": "1222",
  "11.5": "2",
  "11.6": "2",
  "12.1": "122",
  "12.2": "11",
  "12.3": "2222",
  "13.1": "2",
  "13.2": "22222",
  "13.3": "22",
  "13.4": "12222",
  "14.1": "22",
  "14.2": "1222",
  "14.3": "122",
  "15.1": "122",
  "15.2": "122",
  "15.3": "1222222",
  "16.1": "2",
  "16.2": "22222",
  "16.3": "2222",
  "16.4": "222",
  "16.5": "222",
  "17.1": "2",
  "17.2": "2222",
  "17.3": "22",
};
const requirements = Object.entries(LEVELS).flatMap(([section, levels]) =>
  Array.from(levels, (level, at) => ({ id: `${section}.${at + 1}`, level })),
);

const rows = [...page.matchAll(/^## (V\d+\. .*)$/gm)]
  .flatMap(([, heading = ""]) => tableOf(page, heading))
  .map(([ids = "", level = "", , verdict = "", text = "", shown = ""]) => {
    // "7.1.2" is one requirement, "7.1" all of a section, and "7" all of a chapter.
    const meant = ids
      .split(", ")
      .flatMap((id) => requirements.filter((one) => `${one.id}.`.startsWith(`${id}.`)));
    return { ids, level, verdict, text, meant, tests: shown.split(", ").filter(Boolean) };
  });

describe("docs/ASVS.md", () => {
  test("has each requirement of levels 1 and 2 once, in order and with its level", () => {
    const sorted = (ids: string[]) => ids.toSorted((a, b) => Bun.semver.order(a, b));
    const found = rows.flatMap(({ meant }) => meant.map(({ id }) => id));
    expect(requirements).toHaveLength(253);
    expect(sorted(found)).toEqual(sorted(requirements.map(({ id }) => id)));
    const first = rows.map(({ meant }) => meant[0]?.id ?? "");
    expect(first).toEqual(sorted(first));
    for (const { ids, level, meant } of rows)
      expect([ids, level]).toEqual([ids, [...new Set(meant.map((one) => one.level))].toSorted().join(", ")]);
  });

  test("gives each one of the verdicts that it explains, and a reason", () => {
    const verdicts = tableOf(page, "OWASP ASVS, line by line").map(([verdict]) => verdict);
    expect(verdicts).toContain("holds");
    expect(rows.filter(({ verdict, text }) => !verdicts.includes(verdict) || text === "")).toEqual([]);
  });

  test("names a test for whatever holds, and a place for whatever is documented", () => {
    const bare = rows.filter(
      ({ verdict, text, tests }) =>
        (verdict === "holds" && tests.length === 0) ||
        (verdict === "documented" && !text.includes("](")) ||
        (["by design", "no"].includes(verdict) && tests.length > 0),
    );
    expect(bare).toEqual([]);
  });

  test("names only test files that exist", async () => {
    const named = [...new Set(rows.flatMap(({ tests }) => tests))];
    const missing = [];
    for (const path of named)
      if (!/^test\/.*\.test\.ts$/.test(path) || !(await Bun.file(join(ROOT, path)).exists()))
        missing.push(path);
    expect(named).not.toBeEmpty();
    expect(missing).toEqual([]);
  });
});
