import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { createDataDir } from "../../src/db/template.ts";
import { register } from "../faults/accounts.ts";
import { until } from "../faults/condition.ts";
import { leaveNothing, leftover } from "../faults/leftovers.ts";
import { freePort } from "../support/port.ts";
import { createServer } from "../faults/server.ts";
import { cachedTemplate } from "../support/template.ts";
import { knock } from "./handshake.ts";
import { live, type Tally } from "./life.ts";
import { createRandom } from "./random.ts";

// Usage: `bun run test:fuzz [--full]`. To replay the frames of a run, add `--seed N`; for one socket of it, `--socket N`.
const { values } = parseArgs({
  options: {
    full: { type: "boolean", default: false },
    seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 32)) },
    socket: { type: "string" },
  },
});
const seed = Number(values.seed);

const FRAMES = values.full ? 1_000_000 : 100_000;
const FRAMES_EACH = 500;
/** Malformed handshakes before each socket. */
const KNOCKS_EACH = 3;
const SIDE_BY_SIDE = 24;
/** Share of the sockets that run before the first memory measurement. */
const WARM = 0.25;
/** The maximum growth of memory after that, in MiB. */
const GROWTH_MIB = 64;
const QUIET_MS = 20_000;

leaveNothing();
const begun = performance.now();
const folder = mkdtempSync(join(tmpdir(), "parley-fuzz-"));
leftover(() => rmSync(folder, { recursive: true, force: true }));
await createDataDir(join(folder, "postgres"), await cachedTemplate());
const server = createServer(await freePort(), { DATA_DIR: folder });
await server.start();
const tokens = await register(server.url, 4);

const sockets = FRAMES / FRAMES_EACH;
const total: Omit<Tally, "ending"> = { frames: 0, withRef: 0, answered: 0, errors: 0, pongs: 0 };
const endings = new Map<string, number>();
const wrong: string[] = [];
let next = 0;

/** Runs one socket after another. Each has its own random generator, so its choices do not depend on other sockets. */
async function worker(end: number) {
  while (next < end && wrong.length < 5) {
    const index = next++;
    if (values.socket !== undefined && index !== Number(values.socket)) continue;
    const random = createRandom(seed + index * 7919);
    const token = tokens[index % tokens.length] ?? "";
    try {
      for (let time = 0; time < KNOCKS_EACH; time++) {
        const odd = await knock(random, server.port, token);
        if (odd) wrong.push(`socket ${index}: ${odd}`);
      }
      const { ending, ...tally } = await live({ random, port: server.port, token, frames: FRAMES_EACH });
      for (const name of Object.keys(tally) as (keyof typeof total)[]) total[name] += tally[name];
      endings.set(ending, (endings.get(ending) ?? 0) + 1);
    } catch (error) {
      wrong.push(`socket ${index}: ${error instanceof Error ? error.message : error}`);
    }
  }
}

const run = (end: number) => Promise.all(Array.from({ length: SIDE_BY_SIDE }, () => worker(end)));
const quiet = () =>
  until("every socket has ended", QUIET_MS, async () => (await server.metric("parley_sockets")) === 0);

/** Returns the memory after garbage collection: the minimum over three seconds. */
async function rest(): Promise<number> {
  await quiet();
  let least = server.memory();
  for (let look = 0; look < 30; look++) {
    await Bun.sleep(100);
    least = Math.min(least, server.memory());
  }
  return least;
}

await run(Math.floor(sockets * WARM));
const warm = await rest();
await run(sockets);
const after = await rest();

const faults = await server.metric("parley_faults_total");
const waiting = await server.metric("parley_queue_depth");
const { code } = await server.stop();
if (after - warm > GROWTH_MIB) wrong.push(`memory grew by ${Math.round(after - warm)} MiB`);
if (faults > 0) wrong.push(`the server counted ${faults} internal faults`);
if (waiting > 0) wrong.push(`${waiting} messages never got a reply`);
if (code !== 0) wrong.push(`the server exited with code ${code}`);
wrong.push(...server.alarms.slice(0, 5));

const seconds = ((performance.now() - begun) / 1000).toFixed(1);
const { frames, withRef, answered, errors, pongs } = total;
console.log(`seed ${seed}: ${frames} frames over ${sockets} sockets in ${seconds} s`);
console.log(
  `with a readable ref ${withRef}, replied to once ${answered}; errors for the others ${errors}; pongs ${pongs}`,
);
console.log(`endings: ${[...endings].map(([name, times]) => `${name} ${times}`).join(", ")}`);
console.log(
  `memory ${Math.round(warm)} MiB after warm-up, ${Math.round(after)} MiB at the end; faults ${faults}`,
);
for (const line of wrong) console.log(`wrong: ${line}`);
console.log(wrong.length === 0 ? "1 passed, 0 failed" : `0 passed, 1 failed: replay with --seed ${seed}`);
process.exit(wrong.length === 0 ? 0 : 1);
