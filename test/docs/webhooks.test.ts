import { afterAll, afterEach, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { join } from "node:path";
import { Webhook } from "standardwebhooks";
import { operator, roomCalls, startRooms } from "../http/roomcalls.ts";
import { newSecret, signed } from "../../src/hooks/signing.ts";
import { HOOK_SECRET } from "../hooks/checker.ts";
import { startReceiver } from "../hooks/receiver.ts";
import { temporaryFolder } from "../support/folder.ts";
import { START_MS } from "../support/house.ts";
import type { Person } from "../support/people.ts";
import { freePort } from "../support/port.ts";
import type { TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";
import { blocksOf } from "./transcripts.ts";

setDefaultTimeout(2 * START_MS);

// The receivers that docs/WEBHOOKS.md shows, as processes, and a library that knows nothing of this server.

const blocks = blocksOf(await Bun.file(join(import.meta.dir, "../../docs/WEBHOOKS.md")).text());
const folder = temporaryFolder();
let server: TestServer;
let ada: Person;
const running: Bun.Subprocess[] = [];

beforeAll(async () => {
  ({
    server,
    people: [ada],
  } = await startRooms({ OUTBOUND_ALLOW: "127.0.0.1" }));
}, START_MS);
afterAll(async () => {
  await server.stop();
  folder.remove();
});
afterEach(async () => {
  for (const one of running.splice(0)) {
    one.kill();
    await one.exited;
  }
});

const { by } = roomCalls(() => server);
const createHook = async (url: string, room: string) =>
  (await by(operator, "POST /hooks/", { url, rooms: [room] })).body as unknown as {
    id: string;
    secret: string;
  };
const say = (room: string, content: string) => by(ada, `POST /rooms/${room}/messages/`, { content });

/** The most lines of a receiver: more would be somebody's framework. */
const LINES = 15;

test.each([
  ["ts", "receiver.ts", process.execPath],
  ["python", "receiver.py", "python3"],
])(
  "the receiver in %s is short, verifies what it gets, and refuses what is not signed or old",
  async (kind, name, program) => {
    const lines = blocks.find((one) => one.kind === kind)?.lines ?? [];
    expect(lines.length).toBeLessThanOrEqual(LINES);
    await Bun.write(join(folder.path, name), lines.join("\n"));
    const room = `r-${crypto.randomUUID()}`;
    const port = await freePort();
    const url = `http://127.0.0.1:${port}/`;
    const { secret } = await createHook(url, room);
    const child = Bun.spawn([program, name], {
      cwd: folder.path,
      env: { PATH: process.env.PATH, SECRET: secret, PORT: String(port) },
      stdout: "pipe",
      stderr: "ignore",
    });
    running.push(child);
    let output = "";
    const reading = (async () => {
      for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) output += part;
    })();
    const body = '{"type":"ping","data":{}}';
    /** Sends a ping that is as old as this, in seconds. */
    const send = async (age: number, headers: Record<string, string> = {}, text = body) => {
      const seconds = Math.floor(Date.now() / 1000) - age;
      const ours = signed([newSecret(), secret], { id: "msg_1", seconds, body });
      return (await fetch(url, { method: "POST", body: text, headers: { ...ours, ...headers } })).status;
    };
    await until(
      () =>
        send(0).then(
          (status) => status === 204,
          () => false,
        ),
      START_MS,
    );
    await say(room, "Grüße 🧀");
    await until(() => output.includes('"content":"Grüße 🧀"'), START_MS);
    expect(output).toMatch(/^msg_[\w-]{27} \{/m);
    const said = output.length;
    expect(await send(301)).toBe(401);
    expect(await send(-301)).toBe(401);
    expect(await send(0, {}, body.replace("ping", "pong"))).toBe(401);
    for (const forged of ["", "v1,", "v1,AAAA", `v1,${"é".repeat(44)}`, "v1,".repeat(100)])
      expect(await send(0, { "webhook-signature": forged })).toBe(401);
    for (const header of ["id", "timestamp"]) expect(await send(0, { [`webhook-${header}`]: "0" })).toBe(401);
    expect(output.length).toBe(said);
    child.kill();
    await reading;
  },
);

test("the library of Standard Webhooks verifies what is sent, also while a secret is replaced", async () => {
  const receiver = startReceiver();
  const room = `r-${crypto.randomUUID()}`;
  const { id, secret } = await createHook(receiver.url, room);
  const { secret: newer } = (await by(operator, `POST /hooks/${id}/secret/`)).body;
  await say(room, "Grüße 🧀");
  await until(() => receiver.got.length === 1, START_MS);
  const { headers, text, body } = receiver.got[0] as (typeof receiver.got)[0];
  for (const one of [secret, String(newer)])
    expect(new Webhook(one).verify(text, Object.fromEntries(headers))).toEqual(body);
  expect(() => new Webhook(secret).verify(`${text} `, Object.fromEntries(headers))).toThrow();
  await receiver.stop();
});

test("the endpoint that checks messages allows, refuses and changes them, and answers nothing that is not signed", async () => {
  const [, block] = blocks.filter((one) => one.kind === "ts");
  await Bun.write(join(folder.path, "checking.ts"), block?.lines.join("\n") ?? "");
  symlinkSync(join(import.meta.dir, "../../node_modules"), join(folder.path, "node_modules"));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}/`;
  const settings = { MESSAGE_HOOK_SECRET: HOOK_SECRET, PORT: String(port) };
  const child = Bun.spawn([process.execPath, "checking.ts"], {
    cwd: folder.path,
    env: { PATH: process.env.PATH, ...settings },
    stdout: "pipe",
    stderr: "inherit",
  });
  running.push(child);
  const { value } = await child.stdout.getReader().read();
  expect(Buffer.from(value ?? []).toString()).toStartWith("Listening");
  expect((await fetch(url, { method: "POST", body: "{}" })).status).toBe(401);
  const { server: checked, people } = await startRooms({
    ...{ MESSAGE_HOOK_URL: url, MESSAGE_HOOK_SECRET: HOOK_SECRET, MESSAGE_HOOK_TIMEOUT: "5s" },
  });
  const { by: call } = roomCalls(() => checked);
  const post = (content: string) => call(people[0], "POST /rooms/den/messages/", { content });
  expect(await post("Grüße 🧀")).toMatchObject({ status: 201 });
  expect(await post("See https://spam.example")).toMatchObject({
    body: { detail: "Links are not allowed." },
  });
  expect(await post("Damn")).toMatchObject({ status: 201, body: { content: "d**n" } });
  await checked.stop();
});
