import { register } from "../accounts.ts";
import type { Change } from "../change.ts";
import { until } from "../condition.ts";
import { createGuest, type Guest, judgeGuests, type Order } from "../guests.ts";
import type { Acked } from "../ledger.ts";
import { startLoad } from "../load.ts";
import { between, type Scenario, withMore } from "../scenario.ts";
import type { ServerProcess } from "../server.ts";
import { onStage, type Stage } from "../stage.ts";
import { flow, MOVE_MS, NODES, pick, seesOthers, up } from "./nodes.ts";

const ADMIN_TOKEN = crypto.randomUUID();
/** How long a request may take, in milliseconds. After that it is repeated at another node. */
const REQUEST_MS = 5_000;

interface Call {
  readonly method: string;
  readonly path: string;
  readonly token: string;
  readonly body?: object;
}

/** Sends a request to a node. Undefined: no response, or one that allows a retry. */
async function ask({ servers }: Stage, { method, path, token, body }: Call, node = pick(servers)) {
  try {
    const response = await fetch(`${node.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(REQUEST_MS),
      keepalive: false,
    });
    const found: unknown = await response.json();
    return response.status >= 500 || response.status === 429 ? undefined : { status: response.status, found };
  } catch {
    return undefined;
  }
}

/** Sends a request until there is a final response. */
async function insist(stage: Stage, call: Call) {
  for (;;) {
    const response = await ask(stage, call);
    if (response) return response;
    await Bun.sleep(between(20, 100));
  }
}

/** @throws {Error} if the request fails for good. */
async function demand(stage: Stage, call: Call): Promise<unknown> {
  const { status, found } = await insist(stage, call);
  if (status >= 300) throw new Error(`${call.method} ${call.path}: ${status} ${JSON.stringify(found)}`);
  return found;
}

/** Returns a person's public id. */
const idOf = async (stage: Stage, token: string) =>
  ((await demand(stage, { method: "GET", path: "/account/me/", token })) as { user: { id: string } }).user.id;

/** Adds a guest to their room, or removes them: in the name of the backend, or of the room's owner. */
async function appoint(
  stage: Stage,
  { room, id }: Guest,
  method: "PUT" | "DELETE",
  noted: (order: Order) => void,
) {
  const order: Order = { clientId: crypto.randomUUID(), begun: performance.now(), done: Infinity };
  noted(order);
  const { clientId } = order;
  const owner = Math.random() < 0.5;
  const path = `${owner ? "" : "/admin"}/rooms/${encodeURIComponent(room)}/members/${encodeURIComponent(id)}/`;
  await demand(stage, {
    method,
    path: method === "PUT" ? path : `${path}?clientId=${clientId}`,
    token: (owner && stage.tokens[0]) || ADMIN_TOKEN,
    ...(method === "PUT" && { body: { clientId } }),
  });
  order.done = performance.now();
}

const add = (stage: Stage, guest: Guest) =>
  appoint(stage, guest, "PUT", (added) => void guest.stays.push({ added }));
const remove = (stage: Stage, guest: Guest) =>
  appoint(stage, guest, "DELETE", (removed) => {
    const stay = guest.stays.at(-1);
    if (stay) stay.removed = removed;
  });

/** Reads the history and posts over HTTP, whether the guest is in the room or not, first at this node. */
async function knock(stage: Stage, guest: Guest, node?: ServerProcess): Promise<void> {
  const { room, token } = guest;
  const begun = performance.now();
  const path = `/history/${encodeURIComponent(room)}/?limit=50`;
  const page = await ask(stage, { method: "GET", path, token }, node);
  if (page) guest.asked(begun, page.status === 200);
  if (page?.status === 200)
    for (const message of page.found as object[]) guest.saw({ ...message, type: "message" });
  const change = { type: "send", clientId: crypto.randomUUID(), content: `over HTTP ${begun}` } as const;
  await post(stage, guest, change, node);
}

async function post(
  stage: Stage,
  guest: Guest,
  change: Change & { type: "send" },
  first?: ServerProcess,
): Promise<void> {
  const { ledger } = stage;
  const { clientId, content } = change;
  ledger.send(change);
  const path = `/rooms/${encodeURIComponent(guest.room)}/messages/`;
  for (let attempt = 1; ; attempt++) {
    const begun = performance.now();
    const call = { method: "POST", path, token: guest.token, body: { clientId, content } };
    const response = await ask(stage, call, attempt === 1 ? first : undefined);
    if (!response) {
      await Bun.sleep(between(20, 100));
      continue;
    }
    const { status, found } = response;
    // A repeat of what was committed before the removal gets its ack, and rightly so.
    if (status !== 200) guest.asked(begun, status === 201);
    if (status < 300) return ledger.ack(change, found as Acked, status === 200);
    return ledger.refuse(change, attempt === 1);
  }
}

async function keepKnocking(stage: Stage, guest: Guest, isOver: () => boolean): Promise<void> {
  while (!isOver()) {
    await Bun.sleep(between(20, 200));
    await knock(stage, guest);
  }
}

/** Removes a guest and adds them again, until `isOver`. Then they are a member. */
async function comeAndGo(stage: Stage, guest: Guest, isOver: () => boolean): Promise<void> {
  await add(stage, guest);
  while (!isOver()) {
    await Bun.sleep(between(50, 1_000));
    await remove(stage, guest);
    // At once and everywhere: a node that has not heard of it believes that they are in the room.
    await Promise.all(stage.servers.map((node) => knock(stage, guest, node)));
    await Bun.sleep(between(50, 700));
    await add(stage, guest);
  }
}

/**
 * Guests are removed from private rooms and added again on three nodes, while they and others post, Redis is stopped, frozen
 * and cut, and nodes are killed.
 */
export const peopleInRooms: Scenario = {
  name: "three nodes: people removed and added, Redis cut, a node killed",
  shared: true,
  play: ({ postgres, redis, full }) =>
    onStage({ postgres, servers: NODES, env: { REDIS_URL: redis.url, ADMIN_TOKEN } }, async (stage) => {
      const { servers, server, tokens } = stage;
      const url = () => pick(servers).url;
      const people = await Promise.all(tokens.map((token) => idOf(stage, token)));
      const create = async (room: string | undefined, history: string) => {
        const body = { room, kind: "private", history, people, owners: people.slice(0, 1) };
        const call = { method: "POST", path: "/admin/rooms/", token: ADMIN_TOKEN, body };
        return ((await demand(stage, call)) as { room: string }).room;
      };
      const [past, fresh] = [await create(undefined, "all"), await create("order-7", "joined")];
      const rooms = [past, fresh];
      const clients = rooms.flatMap((room) => stage.join(4, { room, url }));
      await stage.ready();
      for (const each of servers) await until("the nodes see each other", 10_000, () => seesOthers(each));

      const visitors = await register(server.url, 2);
      const guests: Guest[] = [];
      for (const token of visitors) {
        const id = await idOf(stage, token);
        guests.push(...rooms.map((room) => createGuest({ room, id, token })));
      }
      for (const guest of guests) {
        const { room, token, saw } = guest;
        for (const byCommand of [true, false])
          guest.clients.push(...stage.join(1, { room, token, url, byCommand, guest: true, seen: saw }));
      }
      const visiting = guests.flatMap(({ clients: theirs }) => theirs);
      const load = startLoad([...clients, ...visiting], { perSecond: 6, window: 6 });
      const moving = setInterval(() => pick([...clients, ...visiting]).move(), MOVE_MS);
      let over = false;
      const churn = guests.flatMap((guest) =>
        [comeAndGo, keepKnocking].map((keep) => keep(stage, guest, () => over)),
      );
      // Reported at the end, or as soon as the faults are over.
      const churned = Promise.all(churn);
      churned.catch(() => {});

      const lasting = full ? 10_000 : 2_000;
      for (let round = 0; round < (full ? 6 : 1); round++) {
        await flow(stage);
        await redis.stop();
        await Bun.sleep(lasting);
        await flow(stage);
        await redis.start();
        await up(stage);
        for (let kill = 0; kill < (full ? 3 : 1); kill++) {
          const victim = pick(servers);
          await victim.kill();
          await flow(stage);
          await victim.start();
        }
        redis.freeze();
        await Bun.sleep(lasting);
        redis.thaw();
        await up(stage);
        for (const end = performance.now() + lasting; performance.now() < end;) {
          await redis.cut(0.5);
          await Bun.sleep(between(50, 300));
        }
      }
      over = true;
      await churned;
      clearInterval(moving);
      load.stop();
      await stage.settled();
      await until("everyone who is back has caught up", 30_000, () =>
        rooms.every((room) => {
          const last = Math.max(...clients.map(({ copy, room: of }) => (of === room ? copy.version : 0)));
          return guests
            .filter((guest) => guest.room === room)
            .every((guest) => guest.clients.every(({ live, copy }) => live && copy.version >= last));
        }),
      );
      let measured = "";
      const verdict = await stage.verdict(async (database) => {
        const judged = await judgeGuests(database, guests, (room) => room === past);
        measured = judged.measured;
        return judged.wrong;
      });
      return withMore(verdict, measured);
    }),
};
