import type { Identity } from "../../src/identity.ts";
import { covers } from "./product.ts";
import type { Wire } from "./wire.ts";
import type { World } from "./world.ts";

type Event = Extract<Wire["v1"], { type: "activity" | "rooms" }>;

/** At the latest so long after someone is out of a room, they hear no more of it, in milliseconds. */
const OUT_MS = 10_000;

/** Checks what one socket hears of its person's rooms, and that it hears of everything. */
export interface WatchJudge {
  /** The socket asks to watch, or not to. */
  asked(on: boolean): void;
  /** The server has done it. */
  set(on: boolean): void;
  event(frame: Event): void;
  /** The socket leaves a room, whose messages it got there. */
  left(room: string): void;
  owed(): string[];
}

interface Socket {
  readonly userId: number;
  /** The present token. */
  identity(): Identity;
  /** Whether the socket has joined a room. */
  isIn(room: string): boolean;
}

export function createWatchJudge(world: World, { userId, identity, isIn }: Socket): WatchJudge {
  const { database, plan, schedule } = world;
  const { watched, stamps, people } = database;
  const { epoch } = database;
  const opened = stamps.latest;
  let mayHear = false;
  let isOn = false;
  /** The newest message of each room that the socket was told of, or could read in a list. */
  const told = new Map<string, number>();
  /** The latest change of each membership that it was told of. */
  const heard = new Map<string, number>();

  const know = (room: string) => void told.set(room, watched.lastPost(room));

  /** Since when someone has been out of a room; undefined: they are in it. */
  const outSince = (room: string): number | undefined =>
    watched.isIn(userId, room)
      ? undefined
      : Math.max(people.outAt({ userId, room }) ?? -Infinity, database.restoredAt);

  const activity = (room: string, id: number) => {
    if (!mayHear) world.fail("activity on a socket that does not watch", `${userId}: ${room}.${id}`);
    if (isIn(room)) world.fail("activity of a room that the socket has joined", `${userId}: ${room}.${id}`);
    if (!covers(identity(), room, "read"))
      world.fail("activity of a room that the token does not cover", `${userId}: ${room}`);
    const since = outSince(room);
    if (since !== undefined && schedule.now - since > OUT_MS)
      world.fail(
        "someone hears of a room that they are out of",
        `${userId}: ${room}.${id}, ${(schedule.now - since).toFixed()} ms later`,
      );
    if (!database.posted(room, id).some((state) => state.version === id && !state.notice))
      world.fail("activity names what is no message", `${room}.${id}`);
    told.set(room, Math.max(id, told.get(room) ?? 0));
  };

  return {
    asked: (on) => void (mayHear ||= on),
    set(on) {
      isOn = mayHear = on;
      if (on) for (const { room } of watched.roomsOf([userId])[0] ?? []) know(room);
    },
    event(frame) {
      const { room } = frame;
      if (frame.type === "activity") return activity(room, frame.id);
      const since = outSince(room);
      const isGone = frame.change === "removed";
      if (
        isGone &&
        since === undefined &&
        people.outAt({ userId, room }) === undefined &&
        !database.isRestored
      )
        world.fail("someone is told that they are out of a room, and never was", `${userId}: ${room}`);
      if (!isGone && since !== undefined && schedule.now - since > OUT_MS)
        world.fail("someone is told of a room that they are out of", `${userId}: ${room}`);
      heard.set(room, stamps.of(userId, room));
      know(room);
    },
    left: know,
    owed() {
      // What a token does not cover is not told, and the socket goes after a restore.
      if (plan.claims || database.epoch !== epoch) return [];
      const rooms = watched.roomsOf([userId])[0] ?? [];
      const missed = rooms.filter(({ room, post }) => isOn && !isIn(room) && post > (told.get(room) ?? 0));
      // Servers that run during a restore do not know for a moment where the stamps are.
      const since = database.isRestored ? Number.POSITIVE_INFINITY : opened;
      const changed = stamps
        .after(since)
        .filter(
          ([key, stamp]) =>
            key.startsWith(`${userId} `) && (heard.get(key.slice(`${userId} `.length)) ?? 0) < stamp,
        );
      return [
        ...missed.map(({ room, post }) => `${userId} never heard of ${room}.${post}`),
        ...changed.map(([key]) => `nobody told of the membership ${key}`),
      ];
    },
  };
}
