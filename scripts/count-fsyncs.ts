import { readFileSync } from "node:fs";
import { join } from "node:path";
import { api } from "../test/support/api.ts";
import { register } from "../test/support/people.ts";
import { dataFolder, startParley } from "../test/support/process.ts";

// Counts from outside, with strace, how often the program that PARLEY names syncs its database's log while one person
// sends messages one after another: once for each. Nothing in the program can make this up.

const MESSAGES = 25;

const folder = await dataFolder();
const trace = join(folder.path, "trace");
const server = await startParley({ DATA_DIR: folder.path, LOGIN_RATE: "0", MESSAGE_RATE: "0" });
try {
  const { token } = await register(server, "ada");
  const post = async (content: string) => {
    const { status } = await api(server, "POST /rooms/hall/messages/", { token, body: { content } });
    if (status !== 201) throw new Error(`the message was answered with ${status}`);
  };
  await post("creates the room");

  const strace = Bun.spawn(
    ["strace", "-f", "-y", "-e", "trace=fsync,fdatasync", "-o", trace, "-p", String(server.pid)],
    { stdout: "ignore", stderr: "pipe" },
  );
  const { value } = await strace.stderr.getReader().read();
  const said = new TextDecoder().decode(value);
  if (!said.includes("attached")) throw new Error(`strace: ${said}`);
  for (let n = 1; n <= MESSAGES; n++) await post(`message ${n}`);
  strace.kill("SIGINT");
  await strace.exited;

  const calls = readFileSync(trace, "utf8")
    .split("\n")
    .filter((line) => /sync\(.*\/pg_wal\/[0-9A-F]{24}>/.test(line));
  console.log(`${calls.length} syncs of the log for ${MESSAGES} commits`);
  // Upkeep may add one, and the journal of events another.
  if (calls.length < MESSAGES || calls.length > MESSAGES + 3) throw new Error("not one sync for each commit");
  if (calls.some((line) => line.includes("fdatasync"))) throw new Error("fdatasync was used");
} finally {
  await server.end();
  folder.remove();
}
