// The driver of the TypeScript client. See docs/CLIENTS.md.

import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import {
  type Ack,
  type Chat,
  ChatError,
  type ChatStorage,
  createChat,
  type Entry,
  type Room,
} from "../../../src/client/index.ts";

type Fields = Readonly<Record<string, unknown>>;
/** A file whose content is this text. */
interface GivenFile {
  readonly name: string;
  readonly text: string;
  readonly alt?: string;
}

type Command = (fields: never) => unknown;

let chat: Chat;
/** Ends the list of rooms, which is followed while someone is subscribed to it. */
let watching: (() => void) | undefined;
const rooms = new Map<string, Room>();
const seen = new Map<string, number[]>();
const settled = new Map<string, string[]>();

const roomOf = (name: string) => rooms.get(name) ?? join(name);

function join(name: string): Room {
  const room = chat.room(name).join();
  if (rooms.has(name)) return room;
  rooms.set(name, room);
  const versions: number[] = [];
  const outcomes: string[] = [];
  seen.set(name, versions);
  settled.set(name, outcomes);
  room.on("message", ({ version }) => void versions.push(version));
  room.on("notice", ({ version }) => void versions.push(version));
  room.on("settled", ({ change }) => void outcomes.push(change.clientId));
  return room;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  open({ url, tokens, storage }: { url: string; tokens: string; storage?: string }) {
    chat = createChat({
      url,
      async tokens() {
        const response = await fetch(tokens);
        if (!response.ok) throw new Error(`status ${response.status}`);
        return response.text();
      },
      ...(storage && { storage: fileStorage(storage) }),
    });
    chat.connect();
  },
  join: ({ room }: { room: string }) => void join(room),
  send: ({ room, content, files = [], ...options }: { room: string; content: string; files?: GivenFile[] }) =>
    ackOf(
      roomOf(room).send(content, {
        ...options,
        files: files.map(({ name, text, alt }) => ({ file: new File([text], name), alt })),
      }),
    ),
  edit: ({ room, id, content }: { room: string; id: number; content: string }) =>
    ackOf(roomOf(room).edit(id, content)),
  delete: ({ room, id }: { room: string; id: number }) => ackOf(roomOf(room).delete(id)),
  react: ({ room, id, emoji, on }: { room: string; id: number; emoji: string; on: boolean }) =>
    ackOf(roomOf(room).react(id, emoji, on)),
  read: ({ room, id }: { room: string; id: number }) => roomOf(room).read(id),
  older: ({ room, limit }: { room: string; limit: number }) => roomOf(room).older({ limit }),
  async history({ room, ...query }: { room: string; before?: number; after?: number; limit?: number }) {
    const { messages, older, newer } = await roomOf(room).history(query);
    return { ids: messages.map(({ id }) => id), more: query.after === undefined ? older : newer };
  },
  state({ room }: { room?: string }) {
    const { connection } = chat.snapshot();
    const named = ["open", "closed"].includes(connection.state) ? connection.state : "away";
    const error = codeOf("error" in connection ? connection.error : undefined);
    if (room === undefined) return { connection: named, error };
    const state = roomOf(room).snapshot();
    return {
      connection: named,
      error,
      room: ROOM_STATES[state.state] ?? "away",
      roomError: codeOf(state.error),
      more: state.more,
      waiting: state.waiting.length,
      lastRead: state.lastRead,
      unread: state.unread,
    };
  },
  entries: ({ room }: { room: string }) => roomOf(room).snapshot().entries.map(entryOf),
  events: ({ room }: { room: string }) => ({ seen: seen.get(room), settled: settled.get(room) }),
  rooms() {
    watching ??= chat.rooms().subscribe(() => {});
    const { state, items } = chat.rooms().snapshot();
    return {
      live: state === "live",
      items: items.map(({ room, unread, last }) => ({ room, unread, last: last && last.content })),
    };
  },
  async mentions() {
    const { items } = await chat.mentions.read();
    return { items: items.map(({ room, message }) => ({ room, id: message.id })) };
  },
  pin: ({ room, id, on }: { room: string; id: number; on: boolean }) =>
    on ? roomOf(room).pins.add(id) : roomOf(room).pins.remove(id),
  async pins({ room }: { room: string }) {
    return { ids: (await roomOf(room).pins.read()).items.map(({ id }) => id) };
  },
};

const ROOM_STATES: Readonly<Record<string, string>> = { live: "live", out: "out", idle: "out" };

const codeOf = (error: ChatError | undefined) => error?.code ?? null;

async function ackOf(ack: Promise<Ack>) {
  const { id, version, duplicate = false } = await ack;
  return { id, version, duplicate };
}

function entryOf(entry: Entry): Fields {
  const { id, version } = entry;
  if (entry.notice) return { id, version, notice: entry.notice.type };
  const {
    username,
    content,
    deletedAt,
    data = null,
    replyTo = null,
    reactions = {},
    files,
    thread,
    mentions,
  } = entry;
  const counts = Object.entries(reactions).map(([emoji, { count }]) => [emoji, count]);
  return {
    id,
    version,
    username,
    content,
    deleted: deletedAt !== undefined,
    data,
    replyTo,
    reactions: Object.fromEntries(counts),
    ...(files && { files: files.map(({ name, size, alt = null }) => ({ name, size, alt })) }),
    ...(thread !== undefined && { thread }),
    ...(mentions && { mentions: mentions.map((user) => user.username) }),
  };
}

/** A storage like `localStorage`, in one file. The process may be killed at any moment, so the file is replaced as a whole. */
function fileStorage(path: string): ChatStorage {
  const load = (): Record<string, string> => (existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : {});
  const save = (items: object) => {
    writeFileSync(`${path}.new`, JSON.stringify(items));
    renameSync(`${path}.new`, path);
  };
  return {
    getItem: (key) => load()[key],
    setItem: (key, value) => save({ ...load(), [key]: value }),
    removeItem: (key) => save({ ...load(), [key]: undefined }),
  };
}

async function run(call: number, name: string, fields: Fields): Promise<object> {
  try {
    return { call, ok: (await COMMANDS[name]?.(fields as never)) ?? {} };
  } catch (error) {
    if (error instanceof ChatError) return { call, error: error.code };
    throw error;
  }
}

for await (const line of console) {
  const { call, do: name, ...fields } = JSON.parse(line) as { call: number; do: string };
  void run(call, name, fields).then((reply) => process.stdout.write(`${JSON.stringify(reply)}\n`));
}
process.exit();
