// Runs the conversation in a realm that has what ECMAScript 2022 has, what every runtime adds to it, and nothing else:
// `node --experimental-vm-modules bare.mjs <url> <name>`. Prints what it saw, and what the realm lacks.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import vm from "node:vm";
import { WebSocket } from "ws";

const [, , url, name] = process.argv;
const given = {
  AbortController,
  TextEncoder,
  URL,
  URLSearchParams,
  clearTimeout,
  fetch,
  queueMicrotask,
  setTimeout,
};
const context = vm.createContext({ ...given });
vm.runInContext(readFileSync(fileURLToPath(import.meta.resolve("./without.js")), "utf8"), context);

/** The modules of the realm by their URLs. */
const modules = new Map();

function moduleOf(url) {
  if (!modules.has(url)) {
    const code = readFileSync(fileURLToPath(url), "utf8");
    const near = (specifier) => moduleOf(new URL(specifier, url).href);
    const importModuleDynamically = (specifier) => evaluated(near(specifier));
    modules.set(url, new vm.SourceTextModule(code, { context, identifier: url, importModuleDynamically }));
    links.set(modules.get(url), near);
  }
  return modules.get(url);
}

const links = new Map();

async function evaluated(module) {
  if (module.status === "unlinked") await module.link((specifier, from) => links.get(from)(specifier));
  await module.evaluate();
  return module;
}

const load = async (address) => (await evaluated(moduleOf(import.meta.resolve(address)))).namespace;

const { talk } = await load("./talk.mjs");
const client = await load("@parley-chat/client");
const absent = [
  "WebSocket",
  "Blob",
  "crypto",
  "document",
  "localStorage",
  "location",
  "navigator",
  "performance",
  "Promise.withResolvers",
  "Symbol.asyncDispose",
  "[].toSorted",
];
const lacks = absent.filter((what) => vm.runInContext(`typeof ${what}`, context) === "undefined");
const saw = await talk(client, { url, webSocket: WebSocket }, name);
// The symbol that compilers use for `await using` if there is no Symbol.asyncDispose.
const chat = client.createChat({ url, webSocket: WebSocket });
await chat[Symbol.for("Symbol.asyncDispose")]();
console.log(JSON.stringify({ ...saw, lacks, closed: chat.snapshot().connection.state }));
