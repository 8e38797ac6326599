import { SETTINGS } from "../src/config.ts";

const README = new URL("../README.md", import.meta.url);
const BEGIN = "<!-- The table is made by `bun run config-table` -->";
const END = "<!-- End of the table -->";

interface Setting {
  readonly fallback?: string;
  readonly about: string;
}

/** The settings as a Markdown table. */
export function configTable(): string {
  const cells = Object.entries<Setting>(SETTINGS).map(([name, { fallback, about }]) => [
    `\`${name}\``,
    fallback === undefined ? "" : `\`${fallback}\``,
    about.replaceAll("|", "\\|"),
  ]);
  const all = [["Setting", "Default", "What it does"], ...cells];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  const line = (row: readonly string[], fill = " ") =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0, fill)).join(" | ")} |`;
  const [head = [], ...rows] = all;
  return [line(head), line(["", "", ""], "-"), ...rows.map((row) => line(row))].join("\n");
}

/** A text with the table between the two markers. @throws where a marker is missing. */
export function withTable(text: string): string {
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin) throw new Error(`README.md lacks the lines ${BEGIN} and ${END}`);
  return `${text.slice(0, begin + BEGIN.length)}\n\n${configTable()}\n\n${text.slice(end)}`;
}

if (import.meta.main) await Bun.write(README, withTable(await Bun.file(README).text()));
