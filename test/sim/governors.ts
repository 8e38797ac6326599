import type { Ack } from "../../src/chat/change.ts";
import { Refusal } from "../../src/errors.ts";
import { ERRORS } from "../../src/protocol/codes.ts";
import type { Decreed } from "./decrees.ts";
import type { SimNode } from "./node.ts";
import { PLAIN_ROOM } from "./plan.ts";
import type { World } from "./world.ts";

/** People and operators who create rooms and change who may do what in them, over HTTP, each request at any node. */
export interface Governors {
  act(): void;
  unsettled(): string[];
}

/** When a request whose answer is missing is sent again, in milliseconds. */
const PATIENCE_MS = 10_000;
const RETRY_MS = 300;
const TITLE = "A room";

export function createGovernors(world: World): Governors {
  const { schedule, random, decrees } = world;
  const pending = new Set<symbol>();
  /** The room of each set of people who talk directly, and of each other creation. */
  const created = new Map<string, string>();

  /** Sends a request until it has its answer. */
  const request = <T>(
    what: string,
    send: (node: SimNode) => Promise<T>,
    done: (answer: T) => void,
    refused: (refusal: Refusal) => void,
  ) => {
    const self = Symbol(what);
    pending.add(self);
    const attempt = () => {
      if (!pending.has(self)) return;
      let over = false;
      const again = (ms: number) =>
        schedule.after(ms, () => {
          if (!over || ms !== PATIENCE_MS) attempt();
          over = true;
        });
      const giveUp = again(PATIENCE_MS);
      send(random.pick(world.nodes)).then(
        (answer) => {
          over = true;
          giveUp();
          if (pending.delete(self)) done(answer);
        },
        (error: unknown) => {
          over = true;
          giveUp();
          if (!(error instanceof Refusal)) return world.fail("a request failed", `${what}: ${String(error)}`);
          if (ERRORS[error.code].retryable) return void again(error.more.retryAfterMs ?? RETRY_MS);
          if (pending.delete(self)) refused(error);
        },
      );
    };
    attempt();
  };

  const decree = (userId: number | null, decreed: Decreed) => {
    const { room } = decreed;
    const ruling = world.ruling(userId, decreed);
    const window = world.sight.windowOf(room);
    const isRepeat = world.database.answered(ruling) !== undefined;
    world.note?.(`${userId ?? "operator"} decrees in ${room}: ${JSON.stringify(decreed)}`);
    request<Ack>(
      `${decreed.kind} in ${room}`,
      (node) => node.decree(userId, decreed),
      (ack) => world.acked(ruling, ack),
      ({ code }) => world.refused(ruling, code, { window, isRepeat }),
    );
  };

  /** The same people, or the same creation, always lead to the same room. */
  const create = (what: string, key: string, send: (node: SimNode) => Promise<{ room: string }>) => {
    world.note?.(`${what} is created: ${key}`);
    const { epoch } = world.database;
    request(
      what,
      send,
      ({ room }) => {
        const known = created.get(key);
        if (known !== undefined && known !== room)
          world.fail("one creation made two rooms", `${key}: ${known}, ${room}`);
        created.set(key, room);
        if (world.database.epoch === epoch && !world.database.order.facts(epoch, room).exists)
          world.fail("a room was acknowledged that does not exist", room);
      },
      ({ code }) => {
        // Someone may have entered the plain room before, and people may be banned from it.
        const mayFail = code === "room_exists" || code === "forbidden";
        // After a restore, someone may have entered what was a private room under a plain name.
        if (!mayFail || !(key.startsWith(PLAIN_ROOM) || world.database.isRestored))
          world.fail("a good creation was refused for good", `${key}: ${code}`);
      },
    );
  };

  const createPrivate = () => {
    const creator = decrees.someone();
    const clientId = random.uuid();
    const { people } = decrees.creation(creator);
    const history = random.pick(["all", "joined"] as const);
    const times = random.chance(0.3) ? 2 : 1;
    for (let time = 0; time < times; time++)
      create("a private room", `${creator} ${clientId}`, (node) =>
        node.create(creator, { clientId, title: TITLE, history, people }),
      );
  };

  const createDirect = () => {
    const people = decrees.some(3);
    if (people.length < 2) return;
    const times = random.chance(0.5) ? 2 : 1;
    for (let time = 0; time < times; time++) {
      const creator = random.pick(people);
      const others = people.filter((one) => one !== creator);
      const key = people.toSorted((a, b) => a - b).join(" ");
      create("a direct room", `direct ${key}`, (node) => node.direct(creator, others));
    }
  };

  /** Takes someone out of a room, and back in as soon as that is done, while nodes may not know of either. */
  const removeAndAdd = (room: string) => {
    const members = world.database.order.members(world.database.epoch, room);
    if (members.length === 0) return;
    const [target] = random.pick(members);
    for (const set of ["out", "in"] as const)
      schedule.after(set === "out" ? 0 : random.between(1, 50), () =>
        decree(null, { kind: "member", room, clientId: random.uuid(), set, users: [target] }),
      );
  };

  return {
    act() {
      const what = random.next();
      if (what < 0.12) return createPrivate();
      if (what < 0.22) return createDirect();
      if (what < 0.28) {
        const clientId = random.uuid();
        const people = decrees.some(2);
        return create("a plain room", `${PLAIN_ROOM} ${clientId}`, (node) =>
          node
            .decree(null, {
              kind: "room",
              room: PLAIN_ROOM,
              clientId,
              set: {},
              create: { kind: "private", people, owners: people.slice(0, 1) },
            })
            .then(() => ({ room: PLAIN_ROOM })),
        );
      }
      const room = random.pick(world.places());
      if (what < 0.36) return removeAndAdd(room);
      const userId = random.chance(0.2) ? null : decrees.staffOf(room);
      const earlier = what > 0.9 ? decrees.earlier(userId) : undefined;
      decree(userId, earlier ?? decrees.ofRoom(room, userId));
    },
    unsettled: () => [...pending].map(({ description }) => `${description} was not answered`),
  };
}
