// Runs the conversation in a realm that has what ECMAScript 2022 has, what every runtime adds to it, and nothing else:
// `node --experimental-vm-modules bare.mjs <url> <name>`. Prints what it saw, and what the realm lacks.
import { readFile } from "node:fs/promises";
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
vm.runInContext(await readFile(fileURLToPath(import.meta.resolve("./without.js")), "utf8"), context);

async function load(address) {
  const code = await readFile(fileURLToPath(import.meta.resolve(address)), "utf8");
  const module = new vm.SourceTextModule(code, { context });
  await module.link(() => {
    throw new Error("it imports something");
  });
  await module.evaluate();
  return module.namespace;
}

const { talk } = await load("./talk.mjs");
const client = await load("@parley-chat/client");
const absent = [
  "WebSocket",
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
