import { expect, test } from "bun:test";
import { dirname, join, normalize } from "node:path";

const SRC = join(import.meta.dir, "../src");

/** What each part may import, besides itself: one way only, and the two doors never each other. */
const LEAVES = [
  "config",
  "errors",
  "log",
  "metrics",
  "tally",
  "clock",
  "gather",
  "limiter",
  "turns",
  "identity",
  "message",
];
const BACKS = [...LEAVES, "protocol", "db", "bus"];
const ROOMS = [...BACKS, "auth", "chat", "store"];
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  main: ["cli", "log"],
  cli: [...ROOMS, "server", "client"],
  server: [...ROOMS, "http", "ws"],
  http: [...ROOMS, "web"],
  ws: ROOMS,
  auth: BACKS,
  chat: [...BACKS, "store"],
  store: [...BACKS, "chat"],
  db: [...LEAVES, "protocol"],
  bus: [...LEAVES, "protocol"],
  web: ["client", "protocol"],
  client: ["protocol"],
  protocol: [],
  ...Object.fromEntries(LEAVES.map((leaf) => [leaf, [...LEAVES, "protocol"]])),
};

/** Packages that only some parts may know: the reason why the others can be tried without them. */
const RESERVED: Readonly<Record<string, readonly string[]>> = {
  hono: ["http", "web"],
  "drizzle-orm": ["db", "store", "auth", "http"],
  "@electric-sql/pglite": ["db"],
  "@neondatabase/serverless": ["db"],
  bun: ["server", "ws", "http", "db", "bus"],
  pino: ["log"],
  "prom-client": ["metrics", "tally"],
  jose: ["auth"],
};

interface Import {
  readonly file: string;
  readonly part: string;
  /** What it imports: a file below src, or the name of a package. */
  readonly path?: string;
  readonly name?: string;
}

const IMPORT =
  /(?:^|[\s;])(?:import|export)\s[^"';]*?from\s*"([^"]+)"|(?:^|[\s;])import\s*"([^"]+)"|import\("([^"]+)"\)/g;

/** Types too: `import type` is how a part gets to know another. */
async function importsOf(file: string): Promise<Import[]> {
  const source = (await Bun.file(join(SRC, file)).text()).replace(/^\s*(\/\/|\/?\*).*$/gm, "");
  return [...source.matchAll(IMPORT)].map(([, a, b, c]) => {
    const specifier = a ?? b ?? c ?? "";
    const base = { file, part: partOf(file) };
    if (specifier.startsWith(".")) return { ...base, path: normalize(join(dirname(file), specifier)) };
    return { ...base, name: specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/") };
  });
}

const partOf = (path: string) => (path.split("/")[0] ?? "").replace(/\.tsx?$/, "");

const files = [...new Bun.Glob("**/*.{ts,tsx}").scanSync(SRC)].filter((file) => !file.endsWith(".d.ts"));
const imports = (await Promise.all(files.map(importsOf))).flat();

test("every part of the program has its place in the order", () => {
  expect([...new Set(files.map(partOf))].filter((part) => !(part in MAY_IMPORT))).toEqual([]);
});

test("imports go one way", () => {
  const wrong = imports
    .filter(({ path }) => path !== undefined && !path.startsWith(".."))
    .filter(({ part, path }) => partOf(path as string) !== part)
    .filter(({ part, path }) => !MAY_IMPORT[part]?.includes(partOf(path as string)));
  expect(wrong.map(({ file, path }) => `${file} imports ${path}`)).toEqual([]);
});

test("a package that is one part's business stays there", () => {
  const wrong = imports
    .filter(({ name }) => name !== undefined && name in RESERVED)
    .filter(({ part, name }) => !RESERVED[name as string]?.includes(part));
  expect(wrong.map(({ file, name }) => `${file} imports ${name}`)).toEqual([]);
});

test("the protocol runs in a browser: it imports nothing but valibot", () => {
  const names = imports.filter(({ part }) => part === "protocol").flatMap(({ name }) => name ?? []);
  expect([...new Set(names)]).toEqual(["valibot"]);
});

test("the environment is read, and the process ended, in main.ts alone; only the log and main.ts write", async () => {
  const wrong = [];
  for (const file of files.filter((path) => path !== "main.ts")) {
    const source = await Bun.file(join(SRC, file)).text();
    if (/process\.(env|exit)\b|Bun\.env\b|\bconsole\.|process\.std(out|err)\b/.test(source)) wrong.push(file);
  }
  expect(wrong).toEqual([]);
});
