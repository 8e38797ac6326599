import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { makeTemplate, TEMPLATE_FILE } from "../src/db/template.ts";
import { createPage } from "../src/http/page/page.ts";

/** The limit of the page's script and style together, in bytes after gzip. */
const PAGE_MAX = 60 * 1024;

// Builds dist/parley: one self-contained file with the embedded database, a template of its data directory and the
// migrations.

process.chdir(join(import.meta.dir, ".."));
await mkdir("dist", { recursive: true });
const weight = await createPage().weigh();
if (weight > PAGE_MAX)
  throw new Error(`the page is ${weight} bytes gzipped, which exceeds the limit of ${PAGE_MAX}`);
const work = await mkdtemp("dist/build-");
try {
  const template = join(work, TEMPLATE_FILE);
  await Bun.write(template, await makeTemplate());
  const built = await Bun.build({
    entrypoints: ["src/main.ts", "src/db/pglite-worker.ts"],
    compile: {
      outfile: join(work, "parley"),
      assets: ["drizzle", template],
      // Ignore .env and bunfig.toml in the working directory.
      autoloadDotenv: false,
      autoloadBunfig: false,
    },
    // Flat names, so that the entry point finds the worker beside it.
    naming: { entry: "[name].[ext]" },
    format: "esm",
    bytecode: true,
    minify: true,
    sourcemap: "linked",
  });
  for (const log of built.logs) console.error(String(log));
  await rename(join(work, "parley"), "dist/parley");
} finally {
  await rm(work, { recursive: true, force: true });
}
console.log(`dist/parley: ${(Bun.file("dist/parley").size / 1e6).toFixed(0)} MB`);
console.log(`the page: ${(weight / 1024).toFixed(1)} KB gzipped (${weight} bytes)`);
