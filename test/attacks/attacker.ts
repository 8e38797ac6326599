import { ATTACKS } from "./kinds/all.ts";
import { Tally, type Target } from "./target.ts";

// The process of an attacker: `bun attacker.ts <name> <seconds> <target as JSON>`. Prints its counts as JSON.
const [name, seconds, json] = process.argv.slice(2);
const attack = ATTACKS.find((one) => one.name === name);
if (!attack || !json) throw new Error(`there is no attack "${name}"`);

const tally = new Tally();
const over = new AbortController();
const ended = new Promise<void>((resolve) => over.signal.addEventListener("abort", () => resolve()));
setTimeout(() => over.abort(), Number(seconds) * 1000);
// Sockets that are cut in the middle of a write reject somewhere: that is what the server is for.
process.on("unhandledRejection", () => tally.count("failed"));
process.on("uncaughtException", () => tally.count("failed"));

const target = JSON.parse(json) as Target;
await Promise.race([attack.play({ target, tally, over: over.signal }), ended]).catch(() =>
  tally.count("failed"),
);
await ended;
await attack.end?.({ target, tally: new Tally(), over: new AbortController().signal });
console.log(JSON.stringify(Object.fromEntries(tally.counts)));
process.exit(0);
