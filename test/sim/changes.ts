import type { Amendment } from "../../src/chat/room/change.ts";
import type { Submission } from "../../src/chat/access/submit.ts";
import type { Command } from "../../src/protocol/frames.ts";
import type { SimDatabase } from "./database.ts";
import type { Random } from "./random.ts";

const EMOJIS = ["👍", "❤️", "🎉"];
/** Most of what people change was said a short while ago. */
const RECENT = 12;

type Amended = Submission & { readonly kind: Amendment["kind"] };

interface ChangesOptions {
  readonly database: SimDatabase;
  readonly random: Random;
  /** Something that was never said before. */
  say(): string;
}

/** What people want to happen in the rooms, and what they wanted before: they ask again for the same. */
export interface Changes {
  post(userId: number, room: string): Submission & { readonly kind: "post" };
  /** An edit, a deletion or a reaction: of their own message, of another's, of none at all. */
  amend(userId: number, room: string): Amended;
  /** Something that they asked for before, here or elsewhere. */
  earlier(userId: number, room?: string): Submission | undefined;
  /** The client id of something that they asked for, on something else. */
  reuse(userId: number, room: string): Amended | undefined;
  /** Whether a client id was given to different things. */
  isReused(clientId: string): boolean;
}

export function createChanges({ database, random, say }: ChangesOptions): Changes {
  const asked = new Map<number, Submission[]>();
  const reused = new Set<string>();

  const remember = <T extends Submission>(userId: number, change: T): T => {
    const before = asked.get(userId) ?? [];
    asked.set(userId, before);
    before.push(change);
    return change;
  };
  const recent = (userId: number, room: string | undefined) =>
    (asked.get(userId) ?? []).filter((change) => room === undefined || change.room === room).slice(-8);

  /** Of their own one half of the time; else any version, which may be the id of a message. */
  const target = (userId: number, room: string): number => {
    const { log, known } = database.current(room);
    const own = log.slice(-2 * RECENT).filter(({ id }) => known.get(id)?.senderId === userId);
    if (own.length > 0 && random.chance(0.5)) return random.pick(own).id;
    return Math.max(1, log.length + 1 - random.below(RECENT));
  };

  const amendment = (userId: number, room: string, clientId: string): Amended => {
    const base = { room, clientId, id: target(userId, room) };
    const what = random.next();
    if (what < 0.45) return { ...base, kind: "edit", content: say() };
    if (what < 0.6) return { ...base, kind: "delete" };
    return { ...base, kind: "react", emoji: random.pick(EMOJIS), on: random.chance(0.7) };
  };

  return {
    post: (userId, room) =>
      remember(userId, { kind: "post", room, clientId: random.uuid(), content: say(), replyTo: null }),
    amend: (userId, room) => remember(userId, amendment(userId, room, random.uuid())),
    earlier(userId, room) {
      const before = recent(userId, room);
      return before.length > 0 ? random.pick(before) : undefined;
    },
    reuse(userId, room) {
      const before = recent(userId, room).filter(({ kind }) => kind !== "post");
      if (before.length === 0) return undefined;
      const { clientId } = random.pick(before);
      reused.add(clientId);
      return amendment(userId, room, clientId);
    },
    isReused: (clientId) => reused.has(clientId),
  };
}

/** The fields of a change as a chat.v1 command has them, but for its room. */
export function commandOf({ kind, room: _, ...fields }: Submission): Record<string, unknown> {
  return { type: kind === "post" ? "send" : kind, ...fields };
}

/** What a command of chat.v1 asks for; nothing where it changes nothing. */
export function changeOf(command: Command, room: string): Submission | undefined {
  switch (command.type) {
    case "send": {
      const { clientId, content, replyTo } = command;
      return { kind: "post", room, clientId, content, replyTo };
    }
    case "edit":
    case "delete":
    case "react": {
      const { type: kind, ref: _, ...fields } = command;
      return { ...fields, kind, room } as Amended;
    }
    default:
      return undefined;
  }
}
