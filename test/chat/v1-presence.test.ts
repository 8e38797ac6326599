import { afterAll, beforeAll, expect, test } from "bun:test";
import { connect, connectPlain, type V1Client } from "../support/client.ts";
import { START_MS } from "../support/house.ts";
import { type Provider, startProvider } from "../support/provider.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

// Presence and typing as clients see them. The grace period of three seconds and the second between two notifications
// pass in real time, so the tests run concurrently.

const DEPARTURE_MS = 10_000;
const TEST_MS = 20_000;
let server: TestServer;
let provider: Provider;

beforeAll(async () => {
  provider = await startProvider();
  server = await startTestServer({
    ...provider.settings,
    MESSAGE_RATE: "0",
    BUDGETS: "0",
    SOCKETS_PER_USER: "10",
  });
}, START_MS);
afterAll(async () => {
  await server.stop();
  await provider.stop();
});

/** Opens someone's socket on a room's URL and waits until it is live. */
async function enter(name: string, room: string, claims = {}): Promise<V1Client> {
  const socket = await connect(server, { room, token: await provider.tokenOf(name, claims) });
  await socket.next("synced");
  return socket;
}
const told = ({ frames }: V1Client) => frames.filter(({ type }) => type === "presence");
const typers = ({ frames }: V1Client) =>
  frames.filter(({ type }) => type === "typing").map(({ username }) => username);
/** Waits until someone's departure is notified. */
const departed = (socket: V1Client, name: string) =>
  until(() => told(socket).some(({ left }) => (left as string[] | undefined)?.includes(name)), DEPARTURE_MS);
const ping = (socket: V1Client) => socket.ask({ type: "ping" });

test("typing without a ref gets no reply; it is not sent to rooms that were not joined or may not be posted to", async () => {
  const [ada, ben] = [await enter("ada", "loft"), await enter("ben", "yard")];
  const cy = await enter("cy", "loft", { rooms: [{ match: "loft", allow: ["read"] }] });
  expect(await cy.ask({ type: "typing" })).toMatchObject({ code: "forbidden" });
  expect(await ben.ask({ type: "typing", room: "loft" })).toMatchObject({ type: "ok" });
  expect(await ben.ask({ type: "typing", room: "no spaces" })).toMatchObject({ code: "invalid" });
  ada.send({ type: "typing" });
  expect(await cy.next("typing")).toEqual({
    type: "typing",
    room: "loft",
    username: "ada",
    user: { id: "ada" },
  });
  await ping(ada);
  expect(typers(ada)).toEqual(["ada"]);
  expect(ada.frames.filter(({ type }) => type === "ok" || type === "error")).toHaveLength(1); // to the ping
  expect(typers(ben)).toEqual([]);
  for (const each of [ada, ben, cy]) each.close();
});

test("a room is notified of at most ten typing people in two seconds", async () => {
  const people = await Promise.all(
    Array.from({ length: 20 }, (_, index) => enter(`typer-${index}`, "choir")),
  );
  const begun = performance.now();
  await Promise.all(people.map((person) => person.ask({ type: "typing" })));
  for (const person of people) await ping(person);
  const windows = 1 + Math.floor((performance.now() - begun) / 2_000);
  for (const person of people) {
    expect(typers(person).length).toBeWithin(10, 10 * windows + 1);
    expect(new Set(typers(person)).size).toBe(typers(person).length);
  }
  for (const person of people) person.close();
});

test.concurrent(
  "presence counts people, not sockets, and a reload is no departure",
  async () => {
    const ben = await enter("ben", "hall");
    expect(await ben.next("presence")).toEqual({
      type: "presence",
      room: "hall",
      online: 1,
      joined: ["ben"],
      profiles: [{ id: "ben" }],
    });
    const [ada, again] = [await enter("ada", "hall"), await enter("ada", "hall")];
    expect(await again.next("joined")).toMatchObject({ online: 2, people: ["ben", "ada"] });
    expect(await ben.next("presence")).toEqual({
      type: "presence",
      room: "hall",
      online: 2,
      joined: ["ada"],
      profiles: [{ id: "ada" }],
    });
    const [dee, cy] = [await enter("dee", "hall"), await enter("cy", "hall")];
    expect(await ben.next("presence")).toMatchObject({ online: 4, joined: ["dee", "cy"] });

    // At once, one of Ada's two sockets closes, Cy reloads, and Dee leaves. All would be notified with Dee's departure.
    for (const each of [again, cy, dee]) each.close();
    const back = await enter("cy", "hall");
    expect((await back.next("joined")).online).toBe(4); // Dee is still within her grace period
    await departed(ben, "dee");
    expect(told(ben).slice(3)).toEqual([{ type: "presence", room: "hall", online: 3, left: ["dee"] }]);
    for (const each of [ada, ben, back]) each.close();
  },
  TEST_MS,
);

test.concurrent(
  "plain clients count as people in the room, and get no presence frames",
  async () => {
    const plain = await connectPlain(server, { room: "porch", token: await provider.tokenOf("ada") });
    const ben = await enter("ben", "porch");
    expect(await ben.next("joined")).toMatchObject({ online: 2, people: ["ada", "ben"] });
    expect(await ben.ask({ type: "typing" })).toMatchObject({ type: "ok" });
    await ben.next("presence");
    plain.send({ message: "hello" });
    expect(await plain.next("message")).toMatchObject({ id: 1 });
    expect(plain.frames).toHaveLength(1);
    plain.close();
    await departed(ben, "ada");
    expect(told(ben).at(-1)).toMatchObject({ online: 1, left: ["ada"] });
    ben.close();
  },
  TEST_MS,
);

test.concurrent(
  "the leave command ends presence in that room alone",
  async () => {
    const ben = await enter("ben", "attic");
    const ada = await enter("ada", "attic");
    expect(await ada.ask({ type: "join", room: "cellar" })).toMatchObject({ type: "ok" });
    const cy = await enter("cy", "cellar");
    // Joining again within the grace period is no departure either.
    expect(await ben.ask({ type: "join" })).toMatchObject({ type: "ok" });
    expect(await ada.ask({ type: "leave" })).toMatchObject({ type: "ok" });
    await departed(ben, "ada");
    expect(told(ben).filter(({ left }) => left)).toEqual([
      { type: "presence", room: "attic", online: 1, left: ["ada"] },
    ]);
    expect(told(cy).some(({ left }) => left)).toBe(false);
    expect(told(ada).filter(({ room, left }) => room === "attic" && left)).toEqual([]);
    const late = await enter("dee", "cellar");
    expect(await late.next("joined")).toMatchObject({ online: 3, people: ["ada", "cy", "dee"] });
    for (const each of [ben, ada, cy, late]) each.close();
  },
  TEST_MS,
);

test.concurrent(
  "everyone in the room is notified of typing, at most once in two seconds per person",
  async () => {
    const [ada, device, ben] = [
      await enter("ada", "study"),
      await enter("ada", "study"),
      await enter("ben", "study"),
    ];
    const begun = performance.now();
    const replies = await Promise.all(
      Array.from({ length: 500 }, (_, index) => (index % 2 ? ada : device).ask({ type: "typing" })),
    );
    expect(replies.every(({ type }) => type === "ok")).toBe(true);
    for (const each of [ada, device, ben]) {
      expect(await each.next("typing")).toMatchObject({ room: "study", username: "ada" });
      await ping(each);
      if (performance.now() - begun < 2_000) expect(typers(each)).toEqual(["ada"]);
    }
    // Others are notified meanwhile, and Ada again after two seconds.
    expect(await ben.ask({ type: "typing" })).toMatchObject({ type: "ok" });
    expect(await ada.next("typing")).toMatchObject({ username: "ben" });
    await until(async () => {
      await ada.ask({ type: "typing" });
      return typers(ben).filter((name) => name === "ada").length > 1;
    });
    expect(performance.now() - begun).toBeGreaterThanOrEqual(2_000);
    for (const each of [ada, device, ben]) each.close();
  },
  TEST_MS,
);

test.concurrent(
  "in a room of more than a hundred, people are counted, not named, and typing is not notified",
  async () => {
    const begun = performance.now();
    const people: V1Client[] = [];
    for (let index = 0; index < 102; index++) people.push(await enter(`guest-${index}`, "square"));
    const [first, last] = [people[0] as V1Client, people.at(-1) as V1Client];
    const joined = await last.next("joined");
    expect(joined.online).toBe(102);
    expect(joined.people).toHaveLength(100);
    await until(() => told(first).at(-1)?.online === 102);
    expect(told(first).at(-1)).toEqual({ type: "presence", room: "square", online: 102 });
    expect(told(first).length).toBeLessThanOrEqual((performance.now() - begun) / 1_000);

    await Promise.all(people.map((person) => person.ask({ type: "typing" })));
    for (const person of people) await ping(person);
    expect(people.flatMap(typers)).toEqual([]);

    // Once the room is small enough again, everyone is named.
    for (const person of people.splice(50, 2)) person.close();
    await until(() => told(first).at(-1)?.online === 100, DEPARTURE_MS);
    const names = told(first).at(-1);
    expect(new Set(names?.joined as string[]).size).toBe(100);
    expect(names?.joined).not.toContain("guest-50");
    expect(await first.ask({ type: "typing" })).toMatchObject({ type: "ok" });
    expect(await last.next("typing")).toMatchObject({ username: "guest-0" });
    for (const person of people) person.close();
  },
  40_000,
);
