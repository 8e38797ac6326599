import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { huntAll, type Mutant, failureOf } from "../support/mutants.ts";
import { MUTANTS } from "./planted.ts";

/** Those that find most come first. */
const FIRST = ["fence.test.ts", "rooms.test.ts", "lists.test.ts", "moderation.test.ts"];

/** Changes a statement, one at a time: a test of the store must fail. Some need TEST_DATABASE_URL, because two connections race. */
export async function huntInStore(chosen: (mutant: Mutant) => boolean): Promise<void> {
  const files = (await readdir(import.meta.dir)).filter((file) => file.endsWith(".test.ts"));
  const order = [
    ...FIRST,
    "../consumers/consumer.test.ts",
    ...files.filter((file) => !FIRST.includes(file) && file !== "large.test.ts").sort(),
    "../files/store.test.ts",
  ];
  await huntAll({
    mutants: MUTANTS.filter(chosen),
    parts: ["src", "drizzle", "test", "bunfig.toml"],
    folder: "src/store",
    async hunt(copy) {
      for (const file of order) {
        const failure = await failureOf(
          copy,
          ["test", join("test/store", file), "--bail", "--timeout", "120000"],
          /^\(fail\) .{0,140}/m,
        );
        if (failure !== undefined) return `${file}: ${failure}`;
      }
      return undefined;
    },
  });
}
