import { expect, test } from "bun:test";
import { dirname, join, normalize } from "node:path";

const ROOT = join(import.meta.dir, "..");

/** Small modules and folders at the top of `src` that everything may use, and that use only each other and the protocol. */
const SMALL = [
  "config",
  "errors",
  "headers",
  "json",
  "faults",
  "log",
  "metrics",
  "tally",
  "clock",
  "gather",
  "limits",
  "lookup",
  "lookalikes",
  "search",
  "security",
  "stopping",
  "grants",
  "scopes",
  "identity",
  "message",
  "person",
  "order",
  "outbound",
];
const BELOW = [...SMALL, "protocol"];

/** What each part of `src` may import besides itself. Imports go one way; the two transports never import each other. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  main: ["cli", "log"],
  cli: [...BELOW, "server", "mail", "store", "auth", "files", "db", "terminal"],
  server: [...BELOW, "site", "dispatch", "ws"],
  site: [
    ...BELOW,
    "budgets",
    "dispatch",
    "http",
    "ws",
    "hooks",
    "consumers",
    "mail",
    "store",
    "chat",
    "auth",
    "files",
    "pushing",
    "db",
    "bus",
  ],
  pushing: [...BELOW, "consumers", "store", "push", "db"],
  dispatch: [...BELOW, "ws"],
  http: [...BELOW, "budgets", "door", "auth", "hooks", "chat", "files", "push", "db", "web"],
  ws: [...BELOW, "budgets", "door", "auth", "chat"],
  hooks: [...BELOW, "budgets", "consumers", "store", "chat"],
  consumers: [...BELOW, "store"],
  mail: [...BELOW, "store", "auth", "db"],
  store: [...BELOW, "chat", "files", "push", "db"],
  chat: [...BELOW, "budgets", "bus"],
  door: [...BELOW, "budgets"],
  budgets: [...BELOW, "bus"],
  auth: [...BELOW, "db", "bus"],
  files: BELOW,
  push: BELOW,
  db: BELOW,
  bus: BELOW,
  web: ["client", "protocol"],
  terminal: ["client", "protocol"],
  client: ["protocol"],
  protocol: [],
  ...Object.fromEntries(SMALL.map((name) => [name, BELOW])),
};

/** The folders of `src/chat`, from the top. Each may import those after it; files of the folder itself are named. */
const CHAT_LAYERS: readonly (readonly string[])[] = [
  ["chat", "api", "signals"],
  ["commands", "observe"],
  ["codecs"],
  ["connection"],
  ["delivery"],
  ["moderation"],
  ["access"],
  ["room", "ephemeral"],
  [
    "screenports",
    "ports",
    "lists",
    "watch",
    "moderationports",
    "searchports",
    "threadports",
    "eventports",
    "saved",
  ],
  ["pass", "change", "rights", "limits"],
];

/** Packages that only some parts may use, which keeps the others testable without them. */
const RESERVED: Readonly<Record<string, readonly string[]>> = {
  hono: ["http", "web"],
  "drizzle-orm": ["db", "store", "auth", "mail", "http"],
  "@electric-sql/pglite": ["db"],
  "@neondatabase/serverless": ["db"],
  bun: ["server", "ws", "http", "db", "bus"],
  pino: ["log"],
  "prom-client": ["metrics", "tally"],
  jose: ["auth"],
  nodemailer: ["mail"],
  "rate-limiter-flexible": ["bus"],
  unhomoglyph: ["lookalikes"],
};

interface Import {
  readonly file: string;
  /** The imported file, from the root of the repository. */
  readonly path?: string;
  /** Or the imported package. */
  readonly name?: string;
}

const IMPORT =
  /(?:^|[\s;])(?:import|export)\s[^"';]*?from\s*"([^"]+)"|(?:^|[\s;])import\s*"([^"]+)"|import\("([^"]+)"\)/g;

/** Type imports count: `import type` also ties a part to another. */
async function importsOf(file: string): Promise<Import[]> {
  const source = (await Bun.file(join(ROOT, file)).text()).replace(/^\s*(\/\/|\/?\*).*$/gm, "");
  return [...source.matchAll(IMPORT)].map(([, a, b, c]) => {
    const specifier = a ?? b ?? c ?? "";
    if (specifier.startsWith(".")) return { file, path: normalize(join(dirname(file), specifier)) };
    return { file, name: specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/") };
  });
}

const filesIn = (folder: string) =>
  [...new Bun.Glob(`${folder}/**/*.{ts,tsx}`).scanSync(ROOT)].filter((file) => !file.endsWith(".d.ts"));

/** The part of `src` that a file belongs to. */
const partOf = (path: string) => (path.split("/")[1] ?? "").replace(/\.tsx?$/, "");
const layerOf = (path: string) => {
  const name = (path.split("/")[2] ?? "").replace(/\.tsx?$/, "");
  return CHAT_LAYERS.findIndex((layer) => layer.includes(name));
};

const files = filesIn("src");
const imports = (await Promise.all(files.map(importsOf))).flat();
const benchImports = (await Promise.all(filesIn("bench").map(importsOf))).flat();
const inside = imports.filter(({ path }) => path?.startsWith("src/")) as { file: string; path: string }[];

const show = (wrong: readonly Import[]) =>
  wrong.map(({ file, path, name }) => `${file} imports ${path ?? name}`);

test("every part of the program has its place in the order", () => {
  expect([...new Set(files.map(partOf))].filter((part) => !(part in MAY_IMPORT))).toEqual([]);
  const unplaced = files.filter((file) => file.startsWith("src/chat/") && layerOf(file) === -1);
  expect(unplaced).toEqual([]);
});

test("imports between parts go one way", () => {
  const wrong = inside
    .filter(({ file, path }) => partOf(file) !== partOf(path))
    .filter(({ file, path }) => !MAY_IMPORT[partOf(file)]?.includes(partOf(path)));
  expect(show(wrong)).toEqual([]);
});

test("imports inside chat/ go one way, from its API down to its ports", () => {
  const wrong = inside.filter(
    ({ file, path }) =>
      file.startsWith("src/chat/") &&
      path.startsWith("src/chat/") &&
      dirname(file) !== dirname(path) &&
      layerOf(path) <= layerOf(file),
  );
  expect(show(wrong)).toEqual([]);
});

test("only the store and tests know more of chat/ than its API", () => {
  const wrong = [...inside, ...benchImports].filter(
    ({ file, path }) =>
      path?.startsWith("src/chat/") &&
      path !== "src/chat/chat.ts" &&
      !file.startsWith("src/chat/") &&
      !file.startsWith("src/store/"),
  );
  expect(show(wrong)).toEqual([]);
});

test("the page, the terminal and the hooks use only what the client exports", () => {
  const hooks = "src/client/react/";
  const wrong = inside.filter(
    ({ file, path }) =>
      ["src/web/", "src/terminal/", hooks].some((folder) => file.startsWith(folder)) &&
      path.startsWith("src/client/") &&
      path !== "src/client/index.ts" &&
      !(file.startsWith(hooks) && path.startsWith(hooks)),
  );
  expect(show(wrong)).toEqual([]);
});

test.each([["src"], ["bench"]])("no file in %s imports itself through others", (folder) => {
  const targets = Map.groupBy(
    (folder === "src" ? imports : benchImports).filter(({ path }) => path?.startsWith(`${folder}/`)),
    ({ file }) => file,
  );
  const done = new Set<string>();
  const circles: string[] = [];
  const visit = (file: string, trail: readonly string[]) => {
    const start = trail.indexOf(file);
    if (start !== -1) return void circles.push([...trail.slice(start), file].join(" → "));
    if (done.has(file)) return;
    for (const { path } of targets.get(file) ?? []) if (path) visit(path, [...trail, file]);
    done.add(file);
  };
  for (const file of targets.keys()) visit(file, []);
  expect(circles).toEqual([]);
});

test("a package that is reserved for some parts stays there", () => {
  const wrong = imports
    .filter(({ name }) => name !== undefined && name in RESERVED)
    .filter(({ file, name }) => !RESERVED[name as string]?.includes(partOf(file)));
  expect(show(wrong)).toEqual([]);
});

test("the protocol runs in a browser: it imports nothing but valibot", () => {
  const names = imports
    .filter(({ file }) => file.startsWith("src/protocol/"))
    .flatMap(({ name }) => name ?? []);
  expect([...new Set(names)]).toEqual(["valibot"]);
});

test("only access/access.ts issues passes", async () => {
  const wrong = [];
  for (const file of files.filter((path) => path !== "src/chat/access/access.ts"))
    if (/\bas (unknown as )?Pass\b/.test(await Bun.file(join(ROOT, file)).text())) wrong.push(file);
  expect(wrong).toEqual([]);
});

test("only main.ts reads the environment and ends the process; only the log and main.ts write output", async () => {
  const wrong = [];
  for (const file of files.filter((path) => !/^src\/(terminal\/)?main\.ts$/.test(path))) {
    const source = await Bun.file(join(ROOT, file)).text();
    if (/process\.(env|exit)\b|Bun\.env\b|\bconsole\.|process\.std(out|err)\b/.test(source)) wrong.push(file);
  }
  expect(wrong).toEqual([]);
});

test("no file in src exceeds 300 lines, unless its first line says why", async () => {
  const wrong = [];
  for (const file of files) {
    const lines = (await Bun.file(join(ROOT, file)).text()).split("\n");
    if (lines.length > 301 && !lines[0]?.startsWith("// Long because"))
      wrong.push(`${file}: ${lines.length}`);
  }
  expect(wrong).toEqual([]);
});

test("only faults.ts logs at error level, so every internal error is counted", async () => {
  const found = [];
  for (const file of files)
    if (/\blog\??\.(error|fatal)\(/.test(await Bun.file(join(ROOT, file)).text())) found.push(file);
  expect(found).toEqual(["src/faults.ts"]);
});
