import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test";
import { checkPackage, createPackageFromTarballData } from "@arethetypeswrong/core";
import { mkdir, symlink } from "node:fs/promises";
import { join } from "node:path";
import { publint } from "publint";
import { parts as LATER } from "../../src/client/parts.ts";
import { builtClient, packedClient } from "../support/built-client.ts";
import { temporaryFolder } from "../support/folder.ts";
import { START_MS } from "../support/house.ts";
import { hasNode, NODE } from "../support/node.ts";
import { run } from "../support/run.ts";

setDefaultTimeout(START_MS);

const ROOT = join(import.meta.dir, "../..");
const BUILT = join(ROOT, "dist/client");
/** A project that has installed the tarball, and next to it the types of packages that people use with it. */
const project = temporaryFolder();
const INSTALLED = join(project.path, "node_modules/@parley-chat/client");

/** What the build printed. */
let printed: string;
let tarball: Uint8Array;

const compiles = (options: object, ...files: string[]) =>
  Bun.write(
    join(project.path, "tsconfig.json"),
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        exactOptionalPropertyTypes: true,
        types: [],
        ...options,
      },
      files,
    }),
  ).then(() => run([process.execPath, join(ROOT, "node_modules/typescript/bin/tsc")], { cwd: project.path }));

beforeAll(async () => {
  printed = await builtClient();
  await Bun.write(join(project.path, "package.json"), '{"type": "module"}');
  const path = await packedClient(project.path);
  tarball = await Bun.file(path).bytes();
  const added = await run([process.execPath, "add", path], { cwd: project.path });
  expect({ code: added.code, stderr: added.stderr.includes("error") }).toEqual({ code: 0, stderr: false });
  await mkdir(join(project.path, "node_modules/@types"), { recursive: true });
  for (const name of ["@types/node", "@types/react", "@types/ws", "csstype", "undici-types", "ws"])
    await symlink(join(ROOT, "node_modules", name), join(project.path, "node_modules", name));
});
afterAll(() => project.remove());

describe("the package", () => {
  test("has what a package should have", async () => {
    for (const name of ["README.md", "LICENSE", "index.js", "index.js.map", "terminal/main.js"])
      expect([name, await Bun.file(join(INSTALLED, name)).exists()]).toEqual([name, true]);
    expect(await Bun.file(join(INSTALLED, "package.json")).json()).toMatchObject({
      name: "@parley-chat/client",
      license: "MIT",
      type: "module",
      sideEffects: false,
      engines: { node: ">=20" },
      bin: { "parley-chat": "terminal/main.js" },
    });
  });

  test("has nothing that publint would change", async () => {
    const { messages } = await publint({ pack: { tarball: tarball.slice().buffer }, strict: true });
    expect(messages).toEqual([]);
  });

  test("has the right types for each kind of resolution, and warns CommonJS that it is an ES module", async () => {
    const { problems } = (await checkPackage(createPackageFromTarballData(tarball))) as {
      problems: { kind: string; entrypoint?: string; resolutionKind?: string }[];
    };
    const warning = { kind: "CJSResolvesToESM", resolutionKind: "node16-cjs" };
    expect(problems).toEqual([".", "./whole", "./react"].map((entrypoint) => ({ ...warning, entrypoint })));
  });
});

describe("the built client", () => {
  /** The parts that the build printed, as [name, file, bytes]. */
  const parts = () =>
    [...printed.matchAll(/^(.+), dist\/client\/(\S+): .* \((\d+) bytes\)$/gm)].map(
      ([, name = "", file = "", bytes]) => [name, file, Number(bytes)] as const,
    );

  test("is at most 16 KiB gzipped, each other part at most 4 KiB, and the build prints what each weighs", async () => {
    expect(parts().map(([name]) => name)).toEqual([
      "The client",
      ...Object.keys(LATER).map((name) => `Loaded later: ${name}`),
      "All parts at once",
      "Hooks for React",
      "The terminal client",
    ]);
    for (const [, file, bytes] of parts()) {
      const code = await Bun.file(join(BUILT, file)).text();
      expect([file, bytes]).toEqual([file, Bun.gzipSync(code, { level: 9 }).length]);
      expect(bytes).toBeLessThanOrEqual((file === "index.js" ? 16 : 4) * 1024);
    }
  });

  test("has the parts that docs/CLIENT.md lists, with their sizes", async () => {
    const text = await Bun.file(join(ROOT, "docs/CLIENT.md")).text();
    const listed = [...text.matchAll(/^\| `([\w-]+)(?:-<hash>)?\.js` .*\| ([\d.]+) KB +\|$/gm)];
    const measured = parts().filter(([name, file]) => file === "index.js" || name.startsWith("Loaded later"));
    const names = measured.map(([, file]) => file.replace(/(-\w{8})?\.js$/, ""));
    expect(listed.map(([, name]) => name).toSorted()).toEqual(names.toSorted());
    for (const [, name = "", size] of listed) {
      const bytes = measured[names.indexOf(name)]?.[2] ?? 0;
      expect([name, Math.abs(bytes / 1024 - Number(size)) < 0.25]).toEqual([name, true]);
    }
  });

  test("imports nothing before it is used, and each part loaded later only the client and other parts", async () => {
    const later = parts().flatMap(([name, file]) => (name.startsWith("Loaded later") ? [file] : []));
    const imports = async (file: string) =>
      new Bun.Transpiler({ loader: "js" }).scanImports(await Bun.file(join(BUILT, file)).text());
    expect(await imports("index.js")).toEqual(
      later.map((file) => ({ path: `./${file}`, kind: "dynamic-import" as const })),
    );
    for (const file of later)
      for (const { kind, path } of await imports(file))
        expect(["index.js", ...later].map((one) => `import-statement ./${one}`)).toContain(`${kind} ${path}`);
  });

  test("has each module once, so that all parts share the classes and the state of the client", async () => {
    const all: string[] = [];
    for (const [, file] of parts()) all.push(...(await Bun.file(join(BUILT, `${file}.map`)).json()).sources);
    expect(all.filter((source, at) => all.indexOf(source) !== at)).toEqual([]);
    expect(all).toContain("src/client/people/members.ts");
  });

  test("can be tree-shaken: a program that imports one helper has a tenth of it", async () => {
    const sizes: number[] = [];
    for (const name of ["createChat", "createSubject"]) {
      const entry = join(project.path, `${name}.js`);
      await Bun.write(entry, `import { ${name} } from "@parley-chat/client"; console.log(${name});`);
      const { outputs } = await Bun.build({ entrypoints: [entry], minify: true, target: "browser" });
      sizes.push((await outputs[0]?.text())?.length ?? 0);
    }
    const [all = 0, one = 0] = sizes;
    expect(all).toBeGreaterThan(30_000);
    expect(one).toBeLessThan(all / 10);
  });

  const SOURCE = /src\/client\/http\.ts:\d+/;
  const runtimes: [string, string[]][] = [
    ["Bun", [process.execPath]],
    ...(hasNode ? [["Node", [NODE, "--enable-source-maps"]] as [string, string[]]] : []),
  ];
  test.each(runtimes)(
    "has stacks that point to its sources, which its source map contains, in %s",
    async (_, command) => {
      await Bun.write(
        join(project.path, "stack.mjs"),
        `import { createChat } from "@parley-chat/client";
      const chat = createChat({ url: "http://127.0.0.1:1" });
      await chat.login({ email: "a", password: "b" }).catch(({ stack }) => console.log(stack));`,
      );
      const { stdout } = await run([...command, "stack.mjs"], { cwd: project.path });
      expect(stdout).toMatch(SOURCE);
      const { sources, sourcesContent } = await Bun.file(join(INSTALLED, "index.js.map")).json();
      const source = await Bun.file(join(ROOT, "src/client/http.ts")).text();
      expect(sourcesContent[sources.indexOf("src/client/http.ts")]).toBe(source);
    },
  );

  for (const [module, moduleResolution] of [
    ["node16", "node16"],
    ["nodenext", "nodenext"],
    ["esnext", "bundler"],
  ])
    test(`has types that need no other package (${moduleResolution})`, async () => {
      await Bun.write(
        join(project.path, "use.ts"),
        `import { type Chat, ChatError, createChat, type Message, type RoomSummary } from "@parley-chat/client";
        import { type RoomView, useRoom } from "@parley-chat/client/react";
        export async function use(chat: Chat = createChat({ url: "/", storage: localStorage, webSocket: WebSocket })): Promise<number> {
          await using room = chat.room("hall").join();
          room.on("message", ({ change, username }) => void \`\${change satisfies "created" | "updated" | "deleted"}\${username}\`);
          const messages: readonly Message[] = room.snapshot().messages;
          const { items: rooms, next } = await chat.listRooms({ all: true, limit: 10 });
          const more: readonly RoomSummary[] = (await chat.listRooms({ after: next })).items;
          const unread: number = [...rooms, ...more].reduce((sum, one) => sum + one.unread + (one.last?.id ?? 0), 0);
          // @ts-expect-error: a page has no such field
          void (await chat.listRooms()).cursor;
          const { connection } = chat.snapshot();
          if (connection.state === "closed") throw connection.error;
          const shown: RoomView = useRoom("hall");
          // @ts-expect-error: unknown event
          room.on("massage", () => {});
          // @ts-expect-error: a message is a text
          void room.send(7);
          try {
            return (await room.send("Hello", { signal: AbortSignal.timeout(5) })).id + messages.length + unread + shown.online;
          } catch (error) {
            return error instanceof ChatError && error.code === "rate_limited" ? (error.retryAfterMs ?? 0) : 0;
          }
        }`,
      );
      const options = { target: "es2022", lib: ["es2022", "dom"], module, moduleResolution };
      expect(await compiles(options, "use.ts")).toEqual({ code: 0, stdout: "", stderr: "" });
    });

  test("has types that work in Node without those of a browser, with the WebSocket of ws", async () => {
    const readme = await Bun.file(join(INSTALLED, "README.md")).text();
    const [, program = ""] = [...readme.matchAll(/^```ts\n(.*?)^```$/gms)].map(([, code]) => code);
    await Bun.write(join(project.path, "node.ts"), `${program}\nvoid chat;`);
    const options = {
      target: "es2022",
      lib: ["es2022"],
      module: "nodenext",
      types: ["node"],
    };
    expect(program).toContain("webSocket: WebSocket");
    expect(await compiles(options, "node.ts")).toEqual({ code: 0, stdout: "", stderr: "" });
  });
});
