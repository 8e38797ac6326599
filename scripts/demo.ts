import { join } from "node:path";
import { version } from "../package.json";
import { loadConfig } from "../src/config/config.ts";
import { createLog } from "../src/log.ts";
import { startServer } from "../src/server.ts";
import { temporaryFolder } from "../test/support/folder.ts";
import { createScene, playScene } from "./scene.ts";

// Starts a demo server with a few people and rooms, in which somebody sends a message every few seconds. All data is
// deleted when it stops.

const PAUSE_MS = 8_000;
const SMALL_TALK: readonly (readonly [string, string, string])[] = [
  ["ben", "lobby", "Anyone for a walk at noon?"],
  ["emeka", "release", "The draft is done, have a look when you find the time."],
  ["cy", "lobby", "Count me in"],
  ["דנה", "lobby", "גם אני 🙂"],
  ["cy", "football", "Eight! We can play."],
  ["ben", "kitchen", "The coffee machine is repaired ☕"],
];

const folder = temporaryFolder();
const config = loadConfig({
  PORT: process.env.PORT ?? "0",
  DATA_DIR: join(folder.path, "data"),
  LOG_LEVEL: "warn",
});
const server = await startServer(config, { version, log: createLog("warn") });
const scene = await createScene(server.url);
await playScene(scene);

console.log(`
Open ${server.url}
Sign in as one of these people, who share a password, or create an account.
`);
for (const { name, email, password } of Object.values(scene.actors))
  console.log(`  ${email.padEnd(20)} ${password}   (${name})`);
console.log("\nPress Ctrl-C to stop the demo and delete its data.");

let said = 0;
const talking = setInterval(() => {
  const [name, room, text] = SMALL_TALK[said++ % SMALL_TALK.length] ?? ["ben", "lobby", "Hello"];
  void scene.say(name, room, text);
}, PAUSE_MS);

process.once("SIGINT", async () => {
  clearInterval(talking);
  await server.stop();
  folder.remove();
  process.exit(0);
});
