import { decide, postKey } from "../../src/chat/decide.ts";
import { type Committed, CommitFailure, type Page } from "../../src/chat/ports.ts";
import type { Ack, Post } from "../../src/chat/post.ts";
import type { HistoryPage } from "../../src/chat/store.ts";
import type { Message, RoomChange } from "../../src/message.ts";
import { EPOCH_MS } from "./schedule.ts";

/** A content that this database cannot store. */
export const POISON = "\u2620";

interface Room {
  /** What each version wrote: the first is version 1. */
  readonly log: Message[];
  /** Each message as it is now. */
  readonly messages: Map<number, Message>;
  /** The unique key of posts. */
  readonly acks: Map<string, Ack>;
}

/**
 * The commit contract of `ports.ts`, as a model. Each call happens at once and whole; what time and failures make of
 * that is told by `store.ts`. It forgets nothing: what an epoch held when it ended can still be asked for.
 */
export function createDatabase(now: () => number, pageRows: number) {
  let epoch = "epoch-1";
  let rooms = new Map<string, Room>();
  let history: { room: string; message: Message; key: string | undefined }[] = [];
  const epochs = new Map([[epoch, rooms]]);
  let writes = 0;

  const roomOf = (name: string): Room => {
    const room = rooms.get(name) ?? { log: [], messages: new Map(), acks: new Map() };
    rooms.set(name, room);
    return room;
  };

  const write = (name: string, message: Message, key?: string) => {
    const room = roomOf(name);
    if (message.version !== room.log.length + 1) throw new Error("a version is not the room's next");
    room.log.push(message);
    room.messages.set(message.id, message);
    if (key) room.acks.set(key, ackOf(message));
    history.push({ room: name, message, key });
  };

  /** To the microsecond, so that no two moments are the same. */
  const timestamp = () => {
    const micros = String(++writes % 1_000).padStart(3, "0");
    return `${new Date(EPOCH_MS + now()).toISOString().slice(0, -1)}${micros}Z`;
  };

  const commit = (posts: readonly Post[], known: ReadonlyMap<string, Ack>): Committed => {
    if (posts.some(({ content }) => content.includes(POISON))) throw failure("invalid");
    const at = timestamp();
    const counters = new Map(posts.map(({ room }) => [room, { version: roomOf(room).log.length, at }]));
    const { acks, posted } = decide(posts, { rooms: counters, acks: known });
    if (posted.some(({ post }) => roomOf(post.room).acks.has(postKey(post)))) throw failure("duplicate");
    for (const { post, ack } of posted) write(post.room, messageOf(post, ack), postKey(post));
    return { epoch, acks };
  };

  const bounded = (name: string, messages: Message[], place: (message: Message) => number): Page => {
    const counter = roomOf(name).log.length;
    const taken = messages.slice(0, pageRows);
    const last = taken.at(-1);
    const end = taken.length < pageRows || !last ? counter : place(last);
    return { epoch, counter, messages: taken, end };
  };

  return {
    get epoch() {
      return epoch;
    },
    get size() {
      return history.length;
    },
    /** Posts that are all new. */
    commitNew: (posts: readonly Post[]) => commit(posts, new Map()),
    /** Posts some of which may be there. */
    commitCarefully(posts: readonly Post[]) {
      const known = new Map<string, Ack>();
      for (const post of posts) {
        const ack = roomOf(post.room).acks.get(postKey(post));
        if (ack) known.set(postKey(post), ack);
      }
      return commit(posts, known);
    },
    /** Changes a message that is there, as an edit or a deletion does. */
    change(name: string, id: number, content: string | null): RoomChange | undefined {
      const { messages, log } = roomOf(name);
      const old = messages.get(id);
      if (!old || old.deletedAt !== null) return undefined;
      const version = log.length + 1;
      const at = timestamp();
      const changed: Message =
        content === null
          ? { ...old, version, content: "", deletedAt: at }
          : { ...old, version, content, editedAt: at };
      write(name, changed);
      return { epoch, room: name, from: version, to: version, states: [changed] };
    },
    changesSince(name: string, after: number): Page {
      const { log, messages } = roomOf(name);
      const changed: Message[] = [];
      for (let index = after; index < log.length && changed.length < pageRows; index++) {
        const message = log[index] as Message;
        if (messages.get(message.id) === message) changed.push(message);
      }
      return bounded(name, changed, ({ version }) => version);
    },
    postsSince(name: string, after: number): Page {
      const { messages } = roomOf(name);
      return bounded(name, firstAfter(messages, after, pageRows), ({ id }) => id);
    },
    messages(name: string, range: { after: number } | { before: number }, limit: number): HistoryPage {
      const { messages, log } = roomOf(name);
      const found =
        "after" in range
          ? firstAfter(messages, range.after, limit)
          : [...messages.values()].filter(({ id }) => id < range.before).slice(-limit);
      return { epoch, counter: log.length, messages: found };
    },
    counters(names: readonly string[]) {
      return { epoch, versions: new Map(names.map((name) => [name, rooms.get(name)?.log.length ?? 0])) };
    },
    /** Goes back to what it was after its first `size` writes, as from a backup: a new epoch. */
    restore(size: number) {
      const kept = history.slice(0, size);
      epoch = `epoch-${epochs.size + 1}`;
      rooms = new Map();
      history = [];
      epochs.set(epoch, rooms);
      for (const { room, message, key } of kept) write(room, message, key);
    },
    /** What a version wrote in an epoch. */
    written: (ofEpoch: string, name: string, version: number): Message | undefined =>
      epochs.get(ofEpoch)?.get(name)?.log[version - 1],
    /** What a post was committed as, in each epoch that has it. */
    committed(post: Pick<Post, "room" | "senderId" | "clientId">): Ack[] {
      const acks = [...epochs.values()].map((all) => all.get(post.room)?.acks.get(postKey(post)));
      return acks.filter((ack) => ack !== undefined);
    },
    /** A message as some epoch posted it. */
    posted: (name: string, id: number): Message[] =>
      [...epochs.values()].flatMap((all) => all.get(name)?.log.filter((message) => message.id === id) ?? []),
    current: (name: string) => roomOf(name),
  };
}

export type SimDatabase = ReturnType<typeof createDatabase>;

const failure = (kind: "duplicate" | "invalid") => new CommitFailure(kind, new Error("simulated"));

const ackOf = ({ id, version, timestamp }: Message): Ack => ({ id, version, timestamp, duplicate: false });

const messageOf = ({ senderId: _, room: __, ...post }: Post, ack: Ack): Message => ({
  ...post,
  id: ack.id,
  version: ack.version,
  timestamp: ack.timestamp,
  editedAt: null,
  deletedAt: null,
});

function firstAfter(messages: ReadonlyMap<number, Message>, after: number, limit: number): Message[] {
  const found: Message[] = [];
  for (const message of messages.values()) {
    if (found.length === limit) break;
    if (message.id > after) found.push(message);
  }
  return found;
}
