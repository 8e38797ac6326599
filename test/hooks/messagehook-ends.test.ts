import { afterEach, expect, setDefaultTimeout, test } from "bun:test";
import { roomCalls, startRooms } from "../http/roomcalls.ts";
import { connect } from "../support/client.ts";
import { until } from "../support/until.ts";
import { allow, change, type Checker, HOOK_SECRET, startChecker } from "./checker.ts";

setDefaultTimeout(60_000);

// MESSAGE_HOOK_URL on servers that allow what nobody checked, and on servers that stop.

const ended: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ended.splice(0).reverse()) await end();
});

async function start(settings: Record<string, string>) {
  const checker: Checker = startChecker();
  ended.push(checker.die);
  const { server, people } = await startRooms({
    MESSAGE_HOOK_URL: checker.url,
    MESSAGE_HOOK_SECRET: HOOK_SECRET,
    ...settings,
  });
  ended.push(server.stop);
  return { checker, server, people, ...roomCalls(() => server) };
}

test("with MESSAGE_HOOK_FAILURE=allow, what was not answered is committed, but nobody gets more past it than its places", async () => {
  const { checker, people, by, statusOf } = await start({
    MESSAGE_HOOK_FAILURE: "allow",
    MESSAGE_HOOK_TIMEOUT: "2s",
  });
  const [ada] = people;
  const post = (content: string) => statusOf(ada, "POST /rooms/den/messages/", { content });
  expect(await post("first")).toBe(201);
  checker.respond = () => new Response("", { status: 500 });
  expect(await post("second")).toBe(201);
  checker.respond = () => new Promise<Response>(() => {});
  const flood = await Promise.all(Array.from({ length: 30 }, (_, n) => post(`${n}`)));
  expect(flood.filter((status) => status === 201)).toHaveLength(8);
  expect(flood.filter((status) => status === "503 message_unchecked")).toHaveLength(22);
  expect((await by(ada, "GET /history/den/")).body).toHaveLength(10);
});

test("a server that stops commits what it is asking about, and answers its sender", async () => {
  const { checker, server, people } = await start({ MESSAGE_HOOK_TIMEOUT: "5s" });
  const socket = await connect(server, { token: people[0].token });
  const { promise, resolve } = Promise.withResolvers<void>();
  checker.respond = async () => {
    await promise;
    return change("late");
  };
  const reply = socket.ask({ type: "send", room: "den", clientId: crypto.randomUUID(), content: "early" });
  await until(() => checker.asked.length === 1);
  const stopped = server.stop();
  resolve();
  expect(await reply).toMatchObject({ type: "ok", id: 1, content: "late" });
  await stopped;
  ended.splice(1);
});

test("without the setting, nothing waits and nobody is asked", async () => {
  const { server, people } = await startRooms();
  ended.push(server.stop);
  const { statusOf } = roomCalls(() => server);
  expect(await statusOf(people[0], "POST /rooms/den/messages/", { content: "hello" })).toBe(201);
  expect(allow().status).toBe(200);
});
