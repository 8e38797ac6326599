// What it costs to have messages checked before their commit: bun bench/messagehook.ts [people] [seconds]
// Each person sends their next message after the ack of the one before. The server and the endpoint are processes of their
// own, the database is the embedded one.

import { HOOK_SECRET } from "../test/hooks/checker.ts";
import { connect, type V1Client } from "../test/support/client.ts";
import { register } from "../test/support/people.ts";
import { dataFolder, startParley } from "../test/support/process.ts";
import { cpuSeconds } from "./proc.ts";

const [people = 20, seconds = 5] = process.argv.slice(2).map(Number);
const WARM_MS = 2_000;

const ENDPOINT = `
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", async fetch(request) {
    await request.text();
    await Bun.sleep(Number(process.argv.at(-1)));
    return new Response(null, { status: 204 });
  } });
  console.log(server.url.href);`;

const quantile = (sorted: readonly number[], share: number) =>
  Number((sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2));

async function measure(name: string, settings: Record<string, string>): Promise<void> {
  const folder = await dataFolder();
  const server = await startParley({
    ...{ DATA_DIR: folder.path, MESSAGE_RATE: "0", BUDGETS: "0", LOGIN_RATE: "0" },
    ...settings,
  });
  const sockets: V1Client[] = [];
  for (let n = 0; n < people; n++) {
    const { token } = await register(server, `person${n}`);
    sockets.push(await connect(server, { token }));
  }
  const talk = async (until: number, took: number[]) => {
    const each = async (socket: V1Client, n: number) => {
      while (performance.now() < until) {
        const begun = performance.now();
        const reply = await socket.ask({
          ...{ type: "send", room: `room-${n % 5}`, clientId: crypto.randomUUID() },
          content: "A message of an ordinary length, as people write them.",
        });
        if (reply.type !== "ok") throw new Error(JSON.stringify(reply));
        took.push(performance.now() - begun);
      }
    };
    await Promise.all(sockets.map(each));
  };
  await talk(performance.now() + WARM_MS, []);
  const took: number[] = [];
  const cpu = cpuSeconds(server.pid);
  await talk(performance.now() + seconds * 1000, took);
  const spent = cpuSeconds(server.pid) - cpu;
  took.sort((a, b) => a - b);
  console.log({
    endpoint: name,
    perSecond: Math.round(took.length / seconds),
    ackMs: { p50: quantile(took, 0.5), p99: quantile(took, 0.99) },
    cpuMicrosecondsPerMessage: Math.round((spent * 1e6) / took.length),
  });
  for (const socket of sockets) socket.close();
  await server.end();
  await folder.remove();
}

await measure("none", {});
for (const ms of [0, 20]) {
  const child = Bun.spawn([process.execPath, "-e", ENDPOINT, String(ms)], { stdout: "pipe" });
  const { value } = await child.stdout.getReader().read();
  const url = new TextDecoder().decode(value).trim();
  await measure(`${ms} ms`, {
    ...{ MESSAGE_HOOK_URL: url, MESSAGE_HOOK_SECRET: HOOK_SECRET, MESSAGE_HOOK_TIMEOUT: "5s" },
  });
  child.kill();
}
process.exit();
