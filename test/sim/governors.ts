import type { Ack, Creation } from "../../src/chat/change.ts";
import type { Decreed } from "./decrees.ts";
import type { SimNode } from "./machine.ts";
import { PLAIN_ROOM } from "./plan.ts";
import { createRequests } from "./requests.ts";
import type { World } from "./world.ts";

/** People and operators who create rooms and change who may do what in them, over HTTP, each request at any node. */
export interface Governors {
  act(): void;
  /** The operator removes someone from a room. */
  remove(userId: number, room: string): void;
  /** The operator archives a room, or opens it again. */
  archive(room: string, archived: boolean): void;
  unsettled(): string[];
}

const TITLE = "A room";

export function createGovernors(world: World): Governors {
  const { schedule, random, decrees } = world;
  const { request, unsettled } = createRequests(world);
  /** The room of each set of people who talk directly, and of each other creation. */
  const created = new Map<string, string>();

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
  const create = (
    what: string,
    key: string,
    by: { readonly userId: number | null; readonly create: Creation },
    send: (node: SimNode) => Promise<{ room: string }>,
  ) => {
    world.note?.(`${what} is created: ${key}`);
    const { epoch } = world.database;
    const { userId, create } = by;
    const ruling = world.ruling(userId, { kind: "room", room: "", clientId: "", set: {}, create });
    const window = world.sight.windowOf("");
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
        if (world.sight.mayRefuse(ruling, code, window)) return;
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
    const creation = decrees.creation(creator);
    const history = random.pick(["all", "joined"] as const);
    const times = random.chance(0.3) ? 2 : 1;
    for (let time = 0; time < times; time++)
      create("a private room", `${creator} ${clientId}`, { userId: creator, create: creation }, (node) =>
        node.create(creator, { clientId, title: TITLE, history, people: creation.people }),
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
      const creation = { kind: "direct", people } as const;
      create("a direct room", `direct ${key}`, { userId: creator, create: creation }, (node) =>
        node.direct(creator, others),
      );
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

  /** A moderator acts against an owner or another moderator; if there are not two of them, there will be. */
  const rival = (room: string) => {
    const members = world.database.order.members(world.database.epoch, room);
    const staff = members.filter(([, { role }]) => role !== "member");
    const moderators = staff.filter(([, { role }]) => role === "moderator");
    const base = { kind: "member", room, clientId: random.uuid() } as const;
    if (moderators.length === 0 || staff.length < 2) {
      if (members.length < 2) return;
      const [target] = random.pick(members);
      return decree(null, { ...base, set: "role", role: "moderator", users: [target] });
    }
    const [actor] = random.pick(moderators);
    const [target] = random.pick(staff.filter(([userId]) => userId !== actor));
    decree(actor, { ...base, set: random.pick(["out", "banned", "muted"] as const), users: [target] });
  };

  return {
    act() {
      const what = random.next();
      if (what < 0.12) return createPrivate();
      if (what < 0.22) return createDirect();
      if (what < 0.28) {
        const clientId = random.uuid();
        const people = decrees.some(2);
        const creation = { kind: "private", people, owners: people.slice(0, 1) } as const;
        return create(
          "a plain room",
          `${PLAIN_ROOM} ${clientId}`,
          { userId: null, create: creation },
          (node) =>
            node
              .decree(null, {
                kind: "room",
                room: PLAIN_ROOM,
                clientId,
                set: {},
                create: creation,
              })
              .then(() => ({ room: PLAIN_ROOM })),
        );
      }
      const room = random.pick(world.places());
      if (what < 0.36) return removeAndAdd(room);
      if (what < 0.44) return rival(room);
      const userId = random.chance(0.2) ? null : decrees.staffOf(room);
      const earlier = what > 0.9 ? decrees.earlier(userId) : undefined;
      decree(userId, earlier ?? decrees.ofRoom(room, userId));
    },
    remove: (userId, room) =>
      decree(null, { kind: "member", room, clientId: random.uuid(), set: "out", users: [userId] }),
    archive: (room, archived) =>
      decree(null, { kind: "room", room, clientId: random.uuid(), set: { archived } }),
    unsettled,
  };
}
