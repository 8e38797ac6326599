import type { Ack } from "../../src/chat/change.ts";
import { hashOf } from "../../src/chat/moderation/tokens.ts";
import type { Refusal } from "../../src/errors.ts";
import { identityOf } from "./machine.ts";
import { createRequests } from "./requests.ts";
import type { World } from "./world.ts";

/** People who block each other, and who invite each other with links, over HTTP. */
export interface Sociables {
  act(): void;
  /** Someone posts in a room. */
  post(userId: number, room: string): void;
  unsettled(): string[];
}

/** A link as its creator knows it. */
interface Given {
  readonly id: string;
  readonly token: string;
  readonly room: string;
  readonly createdBy: number;
}

const HOUR_MS = 3_600_000;
/** Links that people still think of. */
const RECENT = 6;
/** How far apart a block and a message of one of the two are, in milliseconds. */
const CLOSE_MS = 40;

export function createSociables(world: World): Sociables {
  const { schedule, random, database, decrees, sight } = world;
  const { request, unsettled } = createRequests(world);
  const given: Given[] = [];
  const ignore = () => {};

  const directRooms = () =>
    world.places().filter((room) => {
      const { kind, deleted } = database.order.facts(database.epoch, room);
      return kind === "direct" && !deleted && membersOf(room).length === 2;
    });
  const membersOf = (room: string) => database.order.members(database.epoch, room).map(([userId]) => userId);

  const post = (userId: number, room: string) => {
    const person = identityOf(userId);
    const change = world.changes.post(userId, room);
    const { username, user } = person;
    const asked = { ...change, senderId: userId, username, user, fence: 0 };
    const window = sight.windowOf(room);
    request<Ack>(
      `a message of ${userId} in ${room}`,
      (node) => node.submit(person, change),
      (ack) => world.acked(asked, ack),
      ({ code }) => world.refused(asked, code, { window, isRepeat: false }),
    );
  };

  /** Someone blocks someone or lifts a block, while both may write to each other. */
  const block = () => {
    const rooms = directRooms();
    const room = rooms.length > 0 && random.chance(0.8) ? random.pick(rooms) : undefined;
    const people = room ? membersOf(room) : decrees.some(2);
    const userId = random.pick(people);
    const blockedId = people.find((one) => one !== userId);
    if (blockedId === undefined) return;
    const on = !database.pacts.blocks().includes(`${userId} ${blockedId}`);
    world.note?.(`${userId} ${on ? "blocks" : "unblocks"} ${blockedId}`);
    request(
      "a block",
      (node) => node.block(userId, blockedId, on),
      ignore,
      ({ code }) => world.fail("a block was refused for good", code),
    );
    if (!room) return;
    for (const one of people)
      if (random.chance(0.5)) schedule.after(random.between(0, CLOSE_MS), () => post(one, room));
    if (!random.chance(0.4)) return;
    // A block has no notice. The next one that takes rights shows that something is missing.
    for (const archived of [true, false])
      schedule.after(archived ? CLOSE_MS : 2 * CLOSE_MS, () => world.governors.archive(room, archived));
    for (const one of people)
      for (const ms of [3, 5, 9])
        schedule.after(ms * CLOSE_MS, () => world.people.forEach((person) => person.post?.(one, room)));
  };

  /** Refusals of people who at some time since could not add anyone. */
  const refusedStaff = (userId: number, room: string, what: string) => {
    const window = sight.windowOf(room);
    return ({ code }: Refusal) => {
      const mayFail = sight.ever(userId, room, window, ({ facts, mine }) => {
        const isIn = facts.kind === "private" && !facts.deleted && !mine.banned && mine.state === "in";
        return !isIn || (mine.role === "member" && !facts.membersAdd);
      });
      if (!mayFail && code !== "too_many_invitations")
        world.fail(`a good ${what} was refused for good`, `${room}: ${code}`);
    };
  };

  const invite = () => {
    const room = random.pick(world.places());
    const userId = decrees.staffOf(room);
    const wanted = {
      clientId: random.uuid(),
      ttlMs: random.chance(0.4) ? random.between(20, 800) : HOUR_MS,
      maxUses: random.pick([null, 1, 1, 2]),
    };
    request(
      `a link to ${room}`,
      (node) => node.invite(userId, room, wanted),
      ({ id, token }) => void given.push({ id, token, room, createdBy: userId }),
      refusedStaff(userId, room, "link"),
    );
  };

  const redeem = ({ token, room }: Given, userId: number, clientId: string) => {
    const link = hashOf(token);
    const ruling = world.ruling(userId, { kind: "member", room, clientId, set: "in", users: [userId], link });
    const window = sight.windowOf(room);
    world.note?.(`${userId} uses a link to ${room}`);
    request(
      `${userId} with a link to ${room}`,
      (node) => node.redeem(userId, token, clientId),
      ({ ack }) => world.acked(ruling, ack),
      ({ code }) => world.refused(ruling, code, { window, isRepeat: false }),
    );
  };

  /** Several people use one link at once. */
  const enter = () => {
    const [link, ...people] = [random.pick(given.slice(-RECENT)), ...decrees.some(4)];
    for (const userId of people) {
      const clientId = random.uuid();
      const times = random.chance(0.2) ? 2 : 1;
      for (let time = 0; time < times; time++)
        schedule.after(random.between(0, CLOSE_MS), () => redeem(link, userId, clientId));
    }
  };

  const revoke = () => {
    const { id, room, createdBy } = random.pick(given.slice(-RECENT));
    const userId = random.chance(0.6) ? createdBy : decrees.someone();
    // A link that works no more, or someone else's, is not there.
    const refused = refusedStaff(userId, room, "revocation");
    request(
      "a revocation",
      (node) => node.revoke(userId, room, id),
      ignore,
      (refusal) => {
        if (refusal.code !== "not_found") refused(refusal);
      },
    );
  };

  return {
    act() {
      const what = random.next();
      if (what < 0.3) return block();
      if (what < 0.55 || given.length === 0) return invite();
      return what < 0.9 ? enter() : revoke();
    },
    post,
    unsettled,
  };
}
