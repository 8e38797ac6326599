import { mkdir } from "node:fs/promises";
import { api } from "../test/support/api.ts";
import { connectPlain } from "../test/support/client.ts";
import { neonDatabase, postgresDatabase } from "../test/support/database.ts";
import { temporaryFolder } from "../test/support/folder.ts";
import { register } from "../test/support/people.ts";
import { startParley } from "../test/support/process.ts";

// Smoke test of the program that PARLEY names, or else of the source. Starts it in an empty folder, lets one person send
// a message to another, kills the server, and checks that the message survives a restart. With the argument `postgres`
// or `neon` it runs on a new database on TEST_DATABASE_URL.

const open = { postgres: postgresDatabase, neon: neonDatabase }[process.argv[2] ?? ""];
const database = await open?.();
const settings = database?.env ?? {};
const folder = temporaryFolder();
try {
  await mkdir(folder.path, { recursive: true });
  const server = await start("first start");
  const room = `smoke-${crypto.randomUUID()}`;
  const name = crypto.randomUUID().slice(0, 8);
  const ada = await register(server, `ada-${name}`);
  const bob = await register(server, `bob-${name}`);
  const [here, there] = await Promise.all(
    [ada, bob].map(({ token }) => connectPlain(server, { room, token })),
  );
  here?.send({ message: "Is anybody there?" });
  const received = await there?.next("message");
  if (received?.message !== "Is anybody there?") throw new Error(`bob received ${JSON.stringify(received)}`);
  console.log(`idle with two sockets: ${await residentMegabytes(server.pid)} MB resident`);
  await server.end("SIGKILL");

  const again = await start("later start");
  console.log(`idle: ${await residentMegabytes(again.pid)} MB resident`);
  const { body } = await api(again, `GET /history/${room}/`, { token: ada.token });
  const contents = (body as { content: string }[]).map(({ content }) => content);
  if (contents.join() !== "Is anybody there?")
    throw new Error(`the history contains ${JSON.stringify(body)}`);
  const [, script] = /src="([^"]+)"/.exec(await (await fetch(again.url)).text()) ?? [];
  if (!script || !(await fetch(again.url + script)).ok)
    throw new Error("the server serves no page, or not its script");
  const { code, stderr } = await again.end();
  if (code !== 0) throw new Error(`the server exited with code ${code}: ${stderr}`);
} finally {
  folder.remove();
  await database?.close();
}

async function start(what: string) {
  const began = performance.now();
  const server = await startParley(settings, folder.path);
  const { status } = await api(server, "GET /healthz");
  if (status !== 200) throw new Error(`/healthz returned ${status}`);
  console.log(`${what}: ${Math.round(performance.now() - began)} ms to the first answer`);
  return server;
}

/** Returns the resident memory as Linux reports it, or NaN on other systems. */
async function residentMegabytes(pid: number): Promise<number> {
  const status = await Bun.file(`/proc/${pid}/status`)
    .text()
    .catch(() => "");
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024);
}
