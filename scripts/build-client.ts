import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { join } from "node:path";

// Builds dist/client: a package of one ESM file and its types for browsers, Bun and Node, without dependencies.

/** The limit of the client's size, in bytes after gzip. */
const LIMIT = 16 * 1024;
const OUT = "dist/client";
/** Hooks for React, which import nothing of the client but its `index.ts`, so that both share one client. */
const REACT = "src/client/react/index.ts";

process.chdir(join(import.meta.dir, ".."));
await mkdir("dist", { recursive: true });
const work = await mkdtemp("dist/build-");
try {
  const code = await bundle("src/client/index.ts");
  const size = Bun.gzipSync(code, { level: 9 }).length;
  if (size > LIMIT)
    throw new Error(`the client is ${size} bytes gzipped, which exceeds the limit of ${LIMIT}`);
  const react = (await Bun.file(REACT).exists()) && (await bundle(REACT));

  // Only the platform's types: the client may not use Bun's.
  const project = join(work, "tsconfig.json");
  const compilerOptions = {
    noEmit: false,
    declaration: true,
    emitDeclarationOnly: true,
    rootDir: "../../src",
    outDir: "types",
    types: [],
  };
  await Bun.write(
    project,
    JSON.stringify({
      extends: "../../tsconfig.json",
      compilerOptions,
      include: [],
      files: ["src/client/index.ts", ...(react ? [REACT] : [])].map((file) => `../../${file}`),
    }),
  );
  const tsc = Bun.spawn([process.execPath, "node_modules/typescript/bin/tsc", "-p", project], {
    stdout: "inherit",
    stderr: "inherit",
  });
  if ((await tsc.exited) !== 0) throw new Error("tsc failed to write the declarations");

  await rm(OUT, { recursive: true, force: true });
  await Bun.write(join(OUT, "index.js"), code);
  if (react) await Bun.write(join(OUT, "react/index.js"), react);
  const { version, license, type } = await Bun.file("package.json").json();
  const exports = {
    ".": { types: "./types/client/index.d.ts", default: "./index.js" },
    ...(react && { "./react": { types: "./types/client/react/index.d.ts", default: "./react/index.js" } }),
  };
  const name = "@parley-chat/client";
  await Bun.write(
    join(OUT, "package.json"),
    JSON.stringify({ name, version, license, type, exports }, null, 2),
  );
  for (const file of new Bun.Glob("**/*.d.ts").scanSync(join(work, "types"))) {
    const text = await Bun.file(join(work, "types", file)).text();
    const foreign = /\bfrom "(?!\.|react")[^"]*"|\bimport\("(?!\.|react")[^"]*"\)/.exec(text);
    if (foreign) throw new Error(`${file} imports another package: ${foreign[0]}`);
    await Bun.write(join(OUT, "types", file), text.replace(/((?:from |import\()"\.[^"]*)\.ts"/g, '$1.js"'));
  }
  console.log(
    `${OUT}: ${(code.length / 1024).toFixed(1)} KB, ${(size / 1024).toFixed(2)} KB gzipped (${size} bytes)`,
  );
} finally {
  await rm(work, { recursive: true, force: true });
}

async function bundle(entry: string): Promise<string> {
  const built = await Bun.build({
    entrypoints: [entry],
    target: "browser",
    format: "esm",
    minify: true,
    external: ["react"],
    plugins: [
      {
        name: "share the client",
        setup(build) {
          build.onResolve({ filter: /^\.\.\/index\.ts$/ }, () => ({ path: "../index.js", external: true }));
        },
      },
    ],
  });
  const [output] = built.outputs;
  if (!output) throw new Error(`Bun.build returned no bundle of ${entry}`);
  return output.text();
}
