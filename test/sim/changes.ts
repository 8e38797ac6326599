import type { Attachment, Draft, Revision, Submission } from "../../src/chat/change.ts";
import type { Command } from "../../src/protocol/frames.ts";
import type { SimDatabase } from "./database.ts";
import type { Decreed } from "./decrees.ts";
import type { Random } from "./random.ts";

const EMOJIS = ["👍", "❤️", "🎉"];
/** Most changes are to recent messages. */
const RECENT = 12;

/** A change, and the room that it is meant for. */
export type Wish<S extends Submission = Submission> = S & { readonly room: string };
type Amended = Wish<Revision>;

interface ChangesOptions {
  readonly database: SimDatabase;
  readonly random: Random;
  /** Returns a text that was never used before. */
  say(): string;
  /** Files that someone may want to send. */
  pick(userId: number, room: string): readonly Attachment[] | null;
  /** People have the ids from 1 to this. */
  readonly users: number;
  /** Whether messages mention people. With small budgets, they would wait for longer than the run. */
  readonly mentioning: boolean;
}

/** The changes that people ask for, and those that they asked for before and may repeat. */
export interface Changes {
  post(userId: number, room: string): Wish<Draft>;
  /** A post without files, for clients that send none. */
  text(userId: number, room: string): Wish<Draft>;
  /** An edit, a deletion or a reaction: to their own message, another's, or none at all. */
  amend(userId: number, room: string): Amended;
  /** A change that they asked for before, here or elsewhere. */
  earlier(userId: number, room?: string): Wish | undefined;
  /** A change with the client id of an earlier, different one. */
  reuse(userId: number, room: string): Amended | undefined;
  /** Whether a client id was used for different changes. */
  isReused(clientId: string): boolean;
  /** Whether a change was asked for again, perhaps by another client of its sender. */
  isRepeated(clientId: string): boolean;
}

export function createChanges({ database, random, say, pick, users, mentioning }: ChangesOptions): Changes {
  const asked = new Map<number, Wish[]>();
  const reused = new Set<string>();
  const repeated = new Set<string>();

  const remember = <T extends Wish>(userId: number, change: T): T => {
    const before = asked.get(userId) ?? [];
    asked.set(userId, before);
    before.push(change);
    return change;
  };
  const recent = (userId: number, room: string | undefined) =>
    (asked.get(userId) ?? []).filter((change) => room === undefined || change.room === room).slice(-8);

  /** Their own message half of the time; otherwise any version, which may be the id of a message. */
  const target = (userId: number, room: string): number => {
    const { log, known } = database.current(room);
    const own = log.slice(-2 * RECENT).filter(({ id }) => known.get(id)?.senderId === userId);
    if (own.length > 0 && random.chance(0.5)) return random.pick(own).id;
    return Math.max(1, log.length + 1 - random.below(RECENT));
  };

  /** Most messages carry no data, and most edits leave it as it is. */
  const data = <T>(usual: T): T | string =>
    random.chance(0.8)
      ? usual
      : JSON.stringify({ card: random.below(1e6), n: [random.below(1_000), null, { ok: true }] });

  /** Some people, whether they may read the room or not, and sometimes nobody's name. */
  const mentions = (): string[] | undefined =>
    !mentioning || random.chance(0.8)
      ? undefined
      : Array.from({ length: random.below(4) }, () =>
          random.chance(0.1) ? "nobody" : `${1 + random.below(users)}`,
        );
  const everyone = () => (!mentioning || random.chance(0.95) ? undefined : random.chance(0.7));

  const amendment = (userId: number, room: string, clientId: string): Amended => {
    const base = { room, clientId, id: target(userId, room) };
    const what = random.next();
    if (what < 0.45) {
      const usual = random.chance(0.1) ? null : undefined;
      return {
        ...base,
        kind: "edit",
        content: say(),
        data: data(usual),
        mentions: mentions(),
        everyone: everyone(),
      };
    }
    if (what < 0.6) return { ...base, kind: "delete" };
    return { ...base, kind: "react", emoji: random.pick(EMOJIS), on: random.chance(0.7) };
  };

  const draft = (userId: number, room: string, files: readonly Attachment[] | null): Wish<Draft> =>
    remember(userId, {
      kind: "post",
      room,
      clientId: random.uuid(),
      content: say(),
      data: data(null),
      replyTo: random.chance(0.85) ? null : target(userId, room),
      thread: random.chance(0.75) ? null : { root: target(userId, room), alsoRoom: random.chance(0.2) },
      files,
      mentions: mentions() ?? null,
      everyone: everyone(),
    });

  return {
    post: (userId, room) => draft(userId, room, pick(userId, room)),
    text: (userId, room) => draft(userId, room, null),
    amend: (userId, room) => remember(userId, amendment(userId, room, random.uuid())),
    earlier(userId, room) {
      const before = recent(userId, room);
      if (before.length === 0) return undefined;
      const change = random.pick(before);
      repeated.add(change.clientId);
      return change;
    },
    reuse(userId, room) {
      const before = recent(userId, room).filter(({ kind }) => kind !== "post");
      if (before.length === 0) return undefined;
      const { clientId } = random.pick(before);
      reused.add(clientId);
      return amendment(userId, room, clientId);
    },
    isReused: (clientId) => reused.has(clientId),
    isRepeated: (clientId) => repeated.has(clientId),
  };
}

/** Data is an object in a command, and text in a change. */
export const objectOf = (data: string | null | undefined): Record<string, unknown> | null | undefined =>
  data == null ? data : (JSON.parse(data) as Record<string, unknown>);
const textOf = (data: unknown): string | null | undefined => (data == null ? data : JSON.stringify(data));

/** The fields of a change as a chat.v1 command, without the room. */
export function commandOf(change: Wish | Decreed): Record<string, unknown> {
  const { kind, clientId } = change;
  if (change.kind === "room") return { type: kind, clientId, ...change.set };
  if (change.kind === "member") {
    const { set, users, role, until, heir } = change;
    const heirOr = heir === undefined ? {} : { heir: `${heir}` };
    return { type: kind, clientId, set, user: `${users[0]}`, role, until, ...heirOr };
  }
  if (change.kind === "pin") return { type: kind, clientId, id: change.message, on: change.on };
  const { kind: _, room: __, ...fields } = change;
  const type = kind === "post" ? "send" : kind;
  if (change.kind === "post") {
    const { thread, data, ...rest } = change;
    const within = thread ? { thread: thread.root, alsoRoom: thread.alsoRoom } : {};
    return { ...rest, kind: undefined, room: undefined, type, data: objectOf(data), ...within };
  }
  return "data" in fields ? { type, ...fields, data: objectOf(fields.data) } : { type, ...fields };
}

/** Returns the change that a chat.v1 command asks for; undefined if it changes nothing. */
export function changeOf(command: Command, room: string): Wish | Decreed | undefined {
  switch (command.type) {
    case "send": {
      const { clientId, content, data, replyTo, thread, alsoRoom, files, mentions, everyone } = command;
      const within = thread ? { root: thread, alsoRoom: alsoRoom ?? false } : null;
      const about = { replyTo, thread: within, files, mentions, everyone };
      return { kind: "post", room, clientId, content, data: textOf(data) ?? null, ...about };
    }
    case "edit": {
      const { clientId, id, content, data, mentions, everyone } = command;
      return { kind: "edit", room, clientId, id, content, data: textOf(data), mentions, everyone };
    }
    case "delete":
    case "react": {
      const { type: kind, ref: _, ...fields } = command;
      return { ...fields, kind, room } as Amended;
    }
    case "member": {
      const { clientId, set, user, role, until, heir } = command;
      const users = [Number(user)];
      return { kind: "member", room, clientId, set, users, role, until, ...(heir && { heir: Number(heir) }) };
    }
    case "pin": {
      const { clientId, id: message, on } = command;
      return { kind: "pin", room, clientId, message, on };
    }
    case "room": {
      const { type: _, ref: __, room: ___, clientId, ...set } = command;
      return { kind: "room", room, clientId, set };
    }
    default:
      return undefined;
  }
}
