import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { needs, PYTHON } from "../support/needs.ts";
import type { Commands } from "./driver.ts";
import { type House, openHouse } from "./stage.ts";
import { perform, SUITE } from "./suite.ts";

const DRIVERS = join(import.meta.dir, "drivers");
const LIMIT_MS = 600_000; // Most behaviours wait for their turn.

let house: House;
beforeAll(async () => {
  house = await openHouse();
}, 30_000);
afterAll(() => house.stop());

function shows(command: readonly string[]) {
  for (const [heading, behaviours] of Object.entries(SUITE))
    describe(heading, () => {
      for (const behaviour of behaviours)
        test.concurrent(behaviour.title, () => perform(behaviour, house, command), LIMIT_MS);
    });
}

describe("the TypeScript client", () => shows([process.execPath, join(DRIVERS, "typescript.ts")]));

needs("python3-websockets")("the Python client", () => shows([PYTHON, "-B", join(DRIVERS, "python.py")]));

const page = readFileSync(join(import.meta.dir, "../../docs/CLIENTS.md"), "utf8");

test("docs/CLIENTS.md lists these behaviours and no others", () => {
  const listed = Object.keys(SUITE).map((heading) => {
    const [, section = ""] = page.split(`\n### ${heading}\n`);
    return [
      heading,
      [...(section.split("\n##")[0] ?? "").matchAll(/^\*\*(.+?)\*\*/gm)].map(([, title]) => title),
    ];
  });
  const shown = Object.entries(SUITE).map(([heading, all]) => [heading, all.map(({ title }) => title)]);
  expect(listed).toEqual(shown);
});

test("docs/CLIENTS.md lists the commands of drivers", () => {
  const commands: Record<keyof Commands, true> = {
    open: true,
    join: true,
    send: true,
    edit: true,
    delete: true,
    react: true,
    read: true,
    older: true,
    history: true,
    state: true,
    entries: true,
    events: true,
    rooms: true,
    mentions: true,
    pin: true,
    pins: true,
  };
  const listed = [...page.matchAll(/^\| `(\w+)` +\|/gm)].map(([, name]) => name);
  expect(listed).toEqual(Object.keys(commands));
});
