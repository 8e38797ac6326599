import type { Kind } from "./contender.ts";
import type { Machine } from "./machine.ts";
import { describeMachine, type Outcome, short } from "./report.ts";
import type { Spread } from "./statistics.ts";

// Draws the chart for the README. The SVG is written by hand: it needs no library and adapts to dark mode.

const WIDTH = 760;
const LABEL = 190;
const BAR = 18;
const GAP = 7;
const FULL = WIDTH - LABEL - 190;

const NAMES: Readonly<Record<Kind, string>> = {
  bare: "memory only, no guarantees",
  parley: "Parley",
  insert: "one INSERT per message",
};

/** One group of bars: a scenario's figure for each server. */
interface Panel {
  readonly title: string;
  readonly scenario: string;
  readonly figure: string;
  readonly unit: string;
}

const PANELS: readonly Panel[] = [
  {
    title: "Acknowledged messages per second: 100 rooms of two",
    scenario: "pairs",
    figure: "messagesPerSecond",
    unit: "/s",
  },
  {
    title: "Server CPU per delivery: one room of 100",
    scenario: "fanout",
    figure: "cpuPerDelivery",
    unit: "µs",
  },
  {
    title: "Delivery time, p99: 1,000 messages per second",
    scenario: "steady",
    figure: "p99",
    unit: "ms",
  },
];

const STYLE = `
  text { font: 13px system-ui, sans-serif; fill: #1f2328 }
  .title { font-weight: 600 }
  .small { font-size: 11px; fill: #59636e }
  .parley { fill: #1a7f64 }
  .bare { fill: #9aa4af }
  .insert { fill: #c9713c }
  .spread { stroke: #1f2328; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .small { fill: #9198a1 }
    .parley { fill: #3fb68b }
    .bare { fill: #6e7681 }
    .insert { fill: #d98a5b }
    .spread { stroke: #e6edf3 }
  }`;

/** Returns an SVG that shows each server's median as a bar, with a line from the minimum to the maximum. */
export function drawPicture(machine: Machine, results: readonly Outcome[]): string {
  let y = 8;
  const parts: string[] = [];
  for (const panel of PANELS) {
    const outcome = results.find(({ name }) => name === panel.scenario);
    if (!outcome) continue;
    const rows = rowsOf(outcome, panel.figure);
    const longest = Math.max(...rows.map(({ spread }) => spread.max));
    y += 20;
    parts.push(`<text class="title" x="8" y="${y}">${panel.title}</text>`);
    y += 9;
    for (const { kind, spread } of rows) {
      parts.push(bar(kind, spread, FULL / longest, panel.unit, y));
      y += BAR + GAP;
    }
    y += 6;
  }
  y += 14;
  const runs = Math.max(0, ...results.map(({ runs }) => runs));
  parts.push(
    `<text class="small" x="8" y="${y}">Medians of ${runs} alternating runs; lines from minimum to maximum.</text>`,
    `<text class="small" x="8" y="${y + 15}">${escape(describeMachine(machine))}</text>`,
  );
  const height = y + 25;
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${height}" viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Parley compared with a memory-only server and one INSERT per message">
<style>${STYLE}
</style>
${parts.join("\n")}
</svg>
`;
}

const rowsOf = ({ figures }: Outcome, name: string) =>
  (Object.keys(NAMES) as Kind[]).flatMap((kind) => {
    const spread = figures[kind]?.[name];
    return spread ? [{ kind, spread }] : [];
  });

function bar(kind: Kind, { median, min, max }: Spread, scale: number, unit: string, y: number): string {
  const at = (value: number) => (LABEL + value * scale).toFixed(1);
  const middle = y + BAR / 2;
  return [
    `<text x="${LABEL - 8}" y="${middle + 4}" text-anchor="end">${NAMES[kind]}</text>`,
    `<rect class="${kind}" x="${LABEL}" y="${y}" width="${(median * scale).toFixed(1)}" height="${BAR}" rx="2"/>`,
    ...(max > min
      ? [`<line class="spread" x1="${at(min)}" x2="${at(max)}" y1="${middle}" y2="${middle}"/>`]
      : []),
    `<text x="${Number(at(max)) + 8}" y="${middle + 4}">${short(median)} ${unit}</text>`,
  ].join("\n");
}

const escape = (text: string) => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
