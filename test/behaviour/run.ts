import { perform, SUITE } from "./suite.ts";
import { openHouse } from "./stage.ts";

// bun run test:behaviour -- [--only <word>] <command that starts your driver>

const command = process.argv.slice(2);
const only = command[0] === "--only" ? command.splice(0, 2)[1] : "";
if (command.length === 0 || only === undefined) {
  console.error("Usage: bun run test:behaviour -- [--only <word>] <command that starts your driver>");
  process.exit(2);
}

const house = await openHouse();
let failed = 0;
const all = Object.values(SUITE).flat();
const wanted = all.filter(({ title }) => title.toLowerCase().includes(only.toLowerCase()));
await Promise.all(
  wanted.map(async (behaviour) => {
    const began = performance.now();
    try {
      await perform(behaviour, house, command);
      console.log(`ok      ${behaviour.title} (${((performance.now() - began) / 1000).toFixed(1)} s)`);
    } catch (error) {
      failed++;
      console.log(
        `FAILED  ${behaviour.title}\n        ${(error as Error).message.replaceAll("\n", "\n        ")}`,
      );
    }
  }),
);
console.log(`${wanted.length - failed} of ${wanted.length} behaviours`);
await house.stop();
process.exit(failed > 0 || wanted.length === 0 ? 1 : 0);
