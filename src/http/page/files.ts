import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { BunPlugin } from "bun";

/** The folder that the build places beside the compiled program's entry point, with the page's files. */
export const PAGE_FOLDER = "page";

const WEB = join(import.meta.dir, "../../web");
const ENTRY = join(WEB, "index.html");
const START = join(WEB, "main.tsx");
/** The folders with modules of the page. */
const MODULES = [WEB, join(WEB, "../client")];

/** The service worker. The server adds to it which files the page has. */
export const WORKER = "sw.js";
/** What an installation of the page needs, in `src/web/install`. */
const INSTALL = ["manifest.webmanifest", "icon-180.png", "icon-192.png", "icon-512.png", "maskable-512.png"];
const LINKS =
  '<link rel="manifest" href="/manifest.webmanifest"><link rel="apple-touch-icon" href="/icon-180.png">';

/** Whether a file keeps its name when its content changes. */
export const isFixed = (name: string): boolean =>
  name.endsWith(".html") || name === WORKER || INSTALL.includes(name);

export interface PageFile {
  /** A path without folders, such as `chunk-q95mc04w.js`. Unless `isFixed`, it contains a hash of the content. */
  readonly name: string;
  readonly content: Uint8Array<ArrayBuffer>;
  /** The browser loads it before it shows anything. */
  readonly first: boolean;
}

/** Returns the page's files: those built into the compiled program, or new ones if the program runs from source. */
export const pageFiles = async (): Promise<readonly PageFile[]> => (await builtInFiles()) ?? buildPage();

async function builtInFiles(): Promise<PageFile[] | undefined> {
  const folder = join(import.meta.dir, PAGE_FOLDER);
  if (!Bun.isStandaloneExecutable || !existsSync(folder)) return undefined;
  const read = async (name: string) => ({
    name,
    content: await Bun.file(join(folder, name)).bytes(),
    first: false,
  });
  return Promise.all((await readdir(folder)).map(read));
}

/** Bundles the page. What it imports with `import()` becomes files of their own, which the browser loads if it needs them. */
export async function buildPage(): Promise<readonly PageFile[]> {
  const { outputs, metafile } = await Bun.build({
    entrypoints: [ENTRY],
    publicPath: "/",
    target: "browser",
    minify: true,
    jsx: { runtime: "automatic", development: false, importSource: "hono/jsx/dom" },
    splitting: true,
    metafile: true,
    plugins: [oneStart(await laterParts()), smallSheets(await minifySheets()), plainElements],
  });
  const imports = new Map(
    Object.entries(metafile?.outputs ?? {}).map(([path, { imports }]) => [
      nameOf(path),
      imports.filter(({ kind }) => kind === "import-statement").map(({ path }) => nameOf(path)),
    ]),
  );
  const first = new Set<string>();
  const visit = (name: string) => {
    if (first.has(name)) return;
    first.add(name);
    imports.get(name)?.forEach(visit);
  };
  const html = outputs.find(({ path }) => path.endsWith(".html"));
  for (const [, name] of (await html?.text())?.matchAll(/(?:src|href)="\/([^"]+)"/g) ?? [])
    if (name) visit(name);
  const read = async (output: Bun.BuildArtifact): Promise<PageFile> => {
    const name = nameOf(output.path);
    const isFirst = output === html || first.has(name);
    // The bundler takes links for files of its own.
    const content =
      output === html ? encode((await html.text()).replace("</head>", `${LINKS}</head>`)) : undefined;
    return { name, content: content ?? new Uint8Array(await output.arrayBuffer()), first: isFirst };
  };
  return Promise.all([...outputs.map(read), buildWorker(), ...INSTALL.map(readInstall)]);
}

/**
 * Puts all that the browser loads first into one file, which compresses better. Bun gives modules a file of their own for each
 * combination of parts that use them, so every part that is loaded later uses the whole start. It has run by then.
 */
function oneStart(later: ReadonlySet<string>): BunPlugin {
  return {
    name: "one start",
    setup(build) {
      build.onLoad({ filter: /\/(web|client)\/.*\.tsx?$/ }, async ({ path, loader }) => {
        const source = await Bun.file(path).text();
        return { loader, contents: later.has(path) ? `${source}\nimport ${JSON.stringify(START)};` : source };
      });
    },
  };
}

/** The style sheets that are loaded later are only files to the bundler, so it would not minify them. */
function smallSheets(minified: ReadonlyMap<string, string>): BunPlugin {
  return {
    name: "small sheets",
    setup(build) {
      build.onLoad({ filter: /\.css$/ }, ({ path }) => {
        const contents = minified.get(path);
        return contents === undefined ? undefined : { loader: "file", contents };
      });
    },
  };
}

/** Returns the style sheets that modules import as files, minified, by path. A build cannot start another one. */
async function minifySheets(): Promise<ReadonlyMap<string, string>> {
  const sheets = [...(await referred(/\bfrom "(\.[^"]+\.css)" with/g))];
  const minify = async (path: string) => {
    const { outputs } = await Bun.build({ entrypoints: [path], minify: true });
    return [path, (await outputs[0]?.text()) ?? ""] as const;
  };
  return new Map(await Promise.all(sheets.map(minify)));
}

/** Returns the modules that others import with `import()`. The bundler finds them in any order, and may load them before. */
const laterParts = () => referred(/\bimport\("(\.[^"]+)"\)/g);

/** Returns the files that modules refer to in this way. The first group of the pattern is a relative path. */
async function referred(pattern: RegExp): Promise<ReadonlySet<string>> {
  const found = new Set<string>();
  for (const cwd of MODULES)
    for await (const file of new Bun.Glob("**/*.{ts,tsx}").scan({ cwd, absolute: true }))
      for (const [, path = ""] of (await Bun.file(file).text()).matchAll(pattern))
        found.add(join(dirname(file), path));
  return found;
}

async function buildWorker(): Promise<PageFile> {
  const { outputs } = await Bun.build({
    entrypoints: [join(WEB, "worker/worker.ts")],
    target: "browser",
    format: "iife",
    minify: true,
  });
  return { name: WORKER, content: encode((await outputs[0]?.text()) ?? ""), first: false };
}

const readInstall = async (name: string): Promise<PageFile> => ({
  name,
  content: await Bun.file(join(WEB, "install", name)).bytes(),
  first: false,
});

const encode = (text: string) => new TextEncoder().encode(text);

/**
 * Leaves out the components that Hono puts in place of `form`, `button`, `title` and some others, for form actions and
 * metadata: 1.8 KB that the page does not use.
 */
const plainElements: BunPlugin = {
  name: "plain elements",
  setup(build) {
    build.onLoad({ filter: /hono\/dist\/jsx\/dom\/intrinsic-element\/components\.js$/ }, () => ({
      loader: "js",
      contents: "export const components_exports = {}; export const composeRef = (ref) => ref;",
    }));
  },
};

const nameOf = (path: string) => path.split("/").at(-1) ?? path;
