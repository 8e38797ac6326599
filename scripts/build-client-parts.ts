import type { BunPlugin } from "bun";
import { dirname, join, relative } from "node:path";
import { minify } from "terser";

/** One file of the package. */
export interface Part {
  readonly name: string;
  readonly entry: string;
  /** The file in the package. */
  readonly file: string;
  /** The limit of its size, in bytes after gzip. */
  readonly limit: number;
  /** What the file begins with. Bun follows the source maps of files that are marked as built by it. */
  readonly banner: string;
}

export interface Bundle extends Part {
  readonly text: string;
  readonly map: string;
}

/** Names of properties that only the client itself uses. They become shorter, in all parts in the same way (`cache`). */
const INTERNAL = {
  regex:
    /^(accepts|admitted|alive|awaitPage|begin|blocked|cancel|caughtUp|changing|dead|during|emit|entered|floor|free|heartbeat|held|inFlight|isBlocked|joinedEpoch|lastRef|marked|missed|named|places|probe|progressed|pump|quiet|quietMs|refusal|rejoin|renewals|rolls|signedIn|spare|wire|wish)$/,
  cache: {},
};

/** Stands for the hash in the name of a file that is loaded later, until all files are built. */
const UNNAMED = "00000000";
const LATER_LIMIT = 4 * 1024;

/** Returns the parts that `parts.ts` loads with `import()`. Each is a folder of the client. */
export async function laterParts(): Promise<Part[]> {
  const source = await Bun.file("src/client/parts.ts").text();
  return [...source.matchAll(/import\("\.\/((\w+)\/\2\.ts)"\)/g)].map(([, path, name]) => ({
    name: `Loaded later: ${name}`,
    entry: `src/client/${path}`,
    file: `${name}-${UNNAMED}.js`,
    limit: LATER_LIMIT,
    banner: "// @bun",
  }));
}

/**
 * Bundles one part. Modules of another part are imported from its file, so that nothing is in the package twice. `shared`: what
 * the file exports besides the exports of its entry, as `export` statements.
 */
export async function bundle(part: Part, others: readonly Part[], shared = ""): Promise<Bundle> {
  const { entry, file, banner } = part;
  const built = await Bun.build({
    entrypoints: [entry],
    target: "browser",
    format: "esm",
    minify: true,
    sourcemap: "external",
    external: ["react", "node:*"],
    plugins: [share(part, others, shared)],
  });
  const [bundled, before] = await Promise.all(built.outputs.map((output) => output.text()));
  if (!bundled || !before) throw new Error(`Bun.build returned no bundle of ${entry}`);
  // After Bun, Terser saves another 5 %.
  const { code: text, map } = await minify(bundled, {
    module: true,
    ecma: 2020,
    compress: { passes: 3, hoist_funs: true, lhs_constants: false, unsafe_arrows: true },
    mangle: { properties: INTERNAL },
    format: { preamble: banner, wrap_func_args: false },
    sourceMap: { content: before, includeSources: true, url: `${file.split("/").at(-1)}.map` },
  });
  if (!text || typeof map !== "string") throw new Error(`Terser returned no code of ${entry}`);
  return { ...part, text, map: tidied(map) };
}

function share(part: Part, others: readonly Part[], shared: string): BunPlugin {
  return {
    name: "share the client",
    setup(build) {
      build.onResolve({ filter: /^\..*\.tsx?$/ }, ({ path, importer }) => {
        const module = relative(process.cwd(), join(dirname(importer), path));
        const owner = importer && others.find(({ entry }) => ownsModule(entry, module));
        if (!owner) return undefined;
        const from = relative(dirname(part.file), owner.file);
        return { path: from.startsWith(".") ? from : `./${from}`, external: true };
      });
      if (shared)
        build.onLoad({ filter: /\/client\/index\.ts$/ }, async ({ path }) => ({
          contents: `${await Bun.file(path).text()}\n${shared}`,
          loader: "ts",
        }));
    },
  };
}

/** A part has the modules in the folder of its entry. */
const ownsModule = (entry: string, module: string) => dirname(entry) === dirname(module);

/** Returns `export` statements for what these parts import from the modules of the client, and the client does not export anyway. */
export async function sharedWith(parts: readonly Part[]): Promise<string> {
  const index = await Bun.file("src/client/index.ts").text();
  const lines = new Set<string>();
  for (const { entry } of parts)
    for (const file of new Bun.Glob("*.ts").scanSync(dirname(entry))) {
      const source = await Bun.file(join(dirname(entry), file)).text();
      for (const [, names = "", module] of source.matchAll(/^import \{([^}]*)\} from "\.\.\/(\w+\.ts)";$/gm))
        for (const [, type, name] of names.matchAll(/(type )?(\w+)( as \w+)?(?:,|\s*$)/g))
          if (!type && !new RegExp(`^export \\{[^}]*\\b${name}\\b`, "m").test(index))
            lines.add(`export { ${name} } from "./${module}";`);
    }
  return [...lines].join("\n");
}

/** Gives the files that are loaded later names that change whenever one of them or the client does: they belong together. */
export function hashed(all: readonly [core: Bundle, ...later: Bundle[]]) {
  const hash = new Bun.CryptoHasher("sha256").update(all.map(({ text }) => text).join("\0")).digest("hex");
  const names = all
    .slice(1)
    .map(({ file }) => [file, file.replace(UNNAMED, hash.slice(0, UNNAMED.length))] as const);
  return (bundle: Bundle): Bundle => {
    const named = (text: string) => names.reduce((all, [from, to]) => all.replaceAll(from, to), text);
    return { ...bundle, file: named(bundle.file), text: named(bundle.text) };
  };
}

/** Names the sources as in the repository. The map contains them. */
function tidied(map: string): string {
  const { version, sources, sourcesContent, mappings, names } = JSON.parse(map);
  const paths = sources.map((path: string) => relative(process.cwd(), join(process.cwd(), path)));
  return JSON.stringify({ version, sources: paths, sourcesContent, mappings, names });
}
