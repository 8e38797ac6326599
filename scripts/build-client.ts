import { chmod, cp, mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";
import { type Bundle, bundle, hashed, laterParts, type Part, sharedWith } from "./build-client-parts.ts";

// Builds dist/client, the package @parley-chat/client: one ES module for each part, their source maps, and the types.

const CORE: Part = {
  name: "The client",
  entry: "src/client/index.ts",
  file: "index.js",
  limit: 16 * 1024,
  banner: "// @bun",
};
const WHOLE: Part = {
  name: "All parts at once",
  entry: "src/client/whole/whole.ts",
  file: "whole.js",
  limit: 1024,
  banner: "// @bun",
};
const REACT: Part = {
  name: "Hooks for React",
  entry: "src/client/react/index.ts",
  file: "react/index.js",
  limit: 3 * 1024,
  banner: '// @bun\n"use client";',
};
const TERMINAL: Part = {
  name: "The terminal client",
  entry: "src/terminal/main.ts",
  file: "terminal/main.js",
  limit: 4 * 1024,
  banner: "#!/usr/bin/env node\n// @bun",
};
const OUT = "dist/client";

process.chdir(join(import.meta.dir, ".."));
await mkdir("dist", { recursive: true });
const work = await mkdtemp("dist/build-");
try {
  const sizes: string[] = [];
  for (const part of await bundles()) sizes.push(await write(part));
  await chmod(join(work, "package", TERMINAL.file), 0o755);
  await declare([CORE.entry, WHOLE.entry, REACT.entry]);
  await cp("LICENSE", join(work, "package/LICENSE"));
  await cp("src/client/README.md", join(work, "package/README.md"));
  await Bun.write(join(work, "package/package.json"), JSON.stringify(await manifest(), null, 2));
  await rm(OUT, { recursive: true, force: true });
  await cp(join(work, "package"), OUT, { recursive: true });
  console.log(sizes.join("\n"));
} finally {
  await rm(work, { recursive: true, force: true });
}

/** Bundles all parts. The client is the first, because the short names in it are the ones that others have to use. */
async function bundles(): Promise<Bundle[]> {
  const later = await laterParts();
  const owners = [CORE, ...later];
  const core = await bundle(CORE, later, await sharedWith([WHOLE, ...later]));
  const others: Bundle[] = [];
  for (const part of [...later, WHOLE, REACT, TERMINAL])
    others.push(
      await bundle(
        part,
        owners.filter((owner) => owner !== part),
      ),
    );
  return [core, ...others].map(hashed([core, ...others.slice(0, later.length)]));
}

/** Writes a part and its source map. Returns its size in words. */
async function write({ name, file, limit, text, map }: Bundle): Promise<string> {
  const size = Bun.gzipSync(text, { level: 9 }).length;
  if (size > limit) throw new Error(`${name} is ${size} bytes gzipped, which exceeds the limit of ${limit}`);
  await Bun.write(join(work, "package", file), text);
  await Bun.write(join(work, "package", `${file}.map`), map);
  return `${name}, ${join(OUT, file)}: ${(text.length / 1024).toFixed(1)} KB, ${(size / 1024).toFixed(2)} KB gzipped (${size} bytes)`;
}

/** Writes the types. Checks also that the client needs nothing of the platform but ES2022 and what browsers share. */
async function declare(entries: readonly string[]): Promise<void> {
  const project = join(work, "tsconfig.json");
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: "../../src",
    outDir: "types",
    types: [],
    target: "ES2022",
    lib: ["ES2022", "ESNext.Disposable", "DOM", "DOM.Iterable"],
    jsxImportSource: "react",
  };
  await Bun.write(
    project,
    JSON.stringify({
      extends: "../../tsconfig.json",
      compilerOptions,
      include: [],
      files: entries.map((entry) => `../../${entry}`),
    }),
  );
  const tsc = Bun.spawn([process.execPath, "node_modules/typescript/bin/tsc", "-p", project], {
    stdout: "inherit",
    stderr: "inherit",
  });
  if ((await tsc.exited) !== 0) throw new Error("tsc failed to write the declarations");
  for (const file of new Bun.Glob("**/*.d.ts").scanSync(join(work, "types"))) {
    const text = await Bun.file(join(work, "types", file)).text();
    const foreign = /(?:\bfrom |\bimport\()"(?!\.|react")[^"]*"/.exec(text);
    if (foreign) throw new Error(`${file} imports another package: ${foreign[0]}`);
    const local = text.replace(/((?:from |import\()"\.[^"]*)\.tsx?"/g, '$1.js"');
    await Bun.write(join(work, "package/types", file), local);
  }
}

async function manifest() {
  const { version, license } = await Bun.file("package.json").json();
  const types = ({ entry }: Part) => entry.replace(/^src\/(.*)\.ts$/, "./types/$1.d.ts");
  const exported = (part: Part) => ({ types: types(part), default: `./${part.file}` });
  return {
    name: "@parley-chat/client",
    version,
    description: "The client of Parley, a chat server with exact delivery",
    keywords: ["chat", "websocket", "realtime", "messaging", "parley"],
    license,
    type: "module",
    sideEffects: false,
    engines: { node: ">=20" },
    // For tools that do not read `exports`, such as TypeScript's resolution `node`.
    main: `./${CORE.file}`,
    types: types(CORE),
    typesVersions: { "*": { whole: [types(WHOLE)], react: [types(REACT)] } },
    exports: {
      ".": exported(CORE),
      "./whole": exported(WHOLE),
      "./react": exported(REACT),
      "./package.json": "./package.json",
    },
    bin: { "parley-chat": TERMINAL.file },
    peerDependencies: { react: ">=18" },
    peerDependenciesMeta: { react: { optional: true } },
  };
}
