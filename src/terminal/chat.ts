import {
  type Chat,
  ChatError,
  type ConnectionState,
  createChat,
  type Entry,
  type Notice,
  type Room,
  type User,
} from "../client/index.ts";
import { isBlank } from "../protocol/blank.ts";
import type { Terminal } from "./terminal.ts";

/** How many earlier messages are shown. */
const HISTORY = 20;

/** The arguments of the command, for its help. */
export const USAGE = "[--register] <url> <room>|@<username>";

/** The command failed before it entered the room. The message says in one line what to do. */
class Failed extends Error {}

/**
 * Chats in a room of a server, or with a person, until the terminal's input or the connection ends. `program` is what the
 * user calls the command. Returns the exit code.
 */
export async function chat(terminal: Terminal, program: string): Promise<number> {
  const { args, env, err } = terminal;
  const register = args[0] === "--register";
  const [url, name, ...rest] = register ? args.slice(1) : args;
  const token = env.PARLEY_TOKEN;
  let client: Chat | undefined;
  try {
    if (!url || !name || rest.length > 0 || !isUrl(url)) throw new Failed(`Usage: ${program} ${USAGE}`);
    client = createChat({ url, ...(token && { tokens: () => token }) });
    if (!token) await signIn(client, terminal, register);
    return await converse(client, name, terminal);
  } catch (error) {
    if (!(error instanceof Failed)) throw error;
    err(error.message);
    return 1;
  } finally {
    await client?.close();
  }
}

function isUrl(text: string): boolean {
  try {
    return Boolean(new URL(text));
  } catch {
    return false;
  }
}

/** Enters the room, shows what is said, and sends what is typed. Returns the exit code. */
async function converse(client: Chat, name: string, terminal: Terminal): Promise<number> {
  const { err } = terminal;
  let end!: (code: number) => void;
  const ended = new Promise<number>((resolve) => (end = resolve));
  client.on("connection", (connection) => {
    const text = describe(connection);
    if (text) err(`(${text})`);
    if (connection.state === "closed") end(1);
  });
  const room = await enter(client, name, terminal);
  room.subscribe(() => {
    const { error } = room.snapshot();
    if (!error || error.code === "closed") return;
    err(`(${error.message})`);
    end(1);
  });
  const shown = show(room, terminal);
  void talk(room, terminal.lines(), err).then((code) => shown.then(() => end(code)));
  void terminal.untilSignal().then(() => end(0));
  return ended;
}

/** Joins a room, or the direct room with a person. */
async function enter(client: Chat, name: string, terminal: Terminal): Promise<Room> {
  if (!name.startsWith("@")) return client.room(await choose(client, name, terminal), { history: 0 });
  client.connect(); // so that its state is printed while the request is repeated
  try {
    return await client.direct([name]);
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    throw new Failed(error.code === "invalid" ? `${printable(name)} is not known here.` : error.message);
  }
}

/** Returns the room to enter: the named one or, if that is new, one that looks like it and that the person prefers. */
async function choose(client: Chat, name: string, { ask, err }: Terminal): Promise<string> {
  const { items: rooms } = await client.listRooms({ like: name }).catch(() => ({ items: [] })); // reported when it connects
  const [like] = rooms;
  if (!like || rooms.some(({ room }) => room === name.normalize())) return name;
  const [wanted, existing] = [printable(name), printable(like.room)];
  const answer = await ask(
    `There is a room ${existing}. Enter it instead of creating ${wanted}? [Y/n]`,
    false,
  );
  if (answer === undefined) err(`(There is also a room ${existing}, which looks like ${wanted}.)`);
  return answer === undefined || /^n/i.test(answer) ? name : like.room;
}

/** Prints earlier messages and then new ones as they arrive. Resolves once the earlier ones are printed. */
function show(room: Room, { out, err }: Terminal): Promise<void> {
  let shown: number | undefined;
  const more = (entries: readonly Entry[]) => {
    for (const entry of entries) {
      if (entry.id <= (shown ?? 0)) continue;
      shown = entry.id;
      if (entry.notice) err(`(${said(entry)})`);
      else if (entry.deletedAt === undefined)
        out(`${printable(entry.username)}: ${printable(entry.content)}`);
    }
  };
  room.subscribe(() => shown !== undefined && more(room.snapshot().entries));
  room.on("message", ({ change, ...message }) => {
    if (message.id > (shown ?? 0) || change === "created") return;
    out(`${printable(message.username)} has ${change} message ${message.id}: ${printable(message.content)}`);
  });
  return room.history({ limit: HISTORY, notices: true }).then(
    ({ entries }) => {
      shown = 0;
      more(entries);
      more(room.snapshot().entries);
    },
    () => {}, // the room reports the error itself
  );
}

/** Says what a notice is about. */
function said({ by, notice: { type, users, role, until, title, topic } }: Notice): string {
  const who = users.map(nameOf).join(", ");
  const what: Readonly<Record<string, string>> = {
    created: "created the room",
    added: `added ${who}`,
    joined: "joined by a link",
    left: "left",
    removed: `removed ${who}`,
    banned: `banned ${who}`,
    unbanned: `lifted the ban on ${who}`,
    muted: `muted ${who}${until ? ` until ${until}` : ""}`,
    unmuted: `let ${who} post again`,
    role: `made ${who} ${role}`,
    title: title ? `named the room ${printable(title)}` : "took the room's title away",
    topic: topic ? `set the topic: ${printable(topic)}` : "took the topic away",
    archived: "archived the room",
    restored: "opened the room again",
    pinned: "pinned a message",
    unpinned: "unpinned a message",
    deleted: "deleted the room",
  };
  return `${nameOf(by)} ${what[type] ?? "changed the room's settings"}`;
}

const nameOf = ({ username }: User) => printable(username);

/** Indents further lines and removes control characters, which could move the cursor or ring the bell. */
const printable = (text: string) => text.replaceAll("\n", "\n  ").replace(/[^\P{C}\n\p{Cf}]/gu, "");

/** Sends each line and waits until all sends have settled. Returns the exit code. */
async function talk(room: Room, lines: AsyncIterable<string>, err: Terminal["err"]): Promise<number> {
  let code = 0;
  const sends: Promise<void>[] = [];
  for await (const text of lines) {
    if (isBlank(text)) continue;
    const send = room.send(text).then(
      () => {},
      (error: unknown) => {
        if (error instanceof ChatError && error.code === "closed") return;
        code = 1;
        err(`(Not sent: ${(error as Error).message})`);
      },
    );
    sends.push(send);
  }
  await Promise.all(sends);
  return code;
}

/** Signs in with PARLEY_EMAIL and PARLEY_PASSWORD, or prompts for them. */
async function signIn(client: Chat, { env, ask }: Terminal, register: boolean): Promise<void> {
  const setting = async (prompt: string, name: string, secret: boolean) => {
    const given = env[name] || (await ask(`${prompt}:`, secret));
    if (!given) throw new Failed(`Set ${name}, or run this command in a terminal.`);
    return given;
  };
  const email = await setting("Email", "PARLEY_EMAIL", false);
  const password = await setting("Password", "PARLEY_PASSWORD", true);
  try {
    const invite = env.PARLEY_INVITE;
    await (register
      ? client.register({ email, password, ...(invite && { invite }) })
      : client.login({ email, password }));
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    const fields = Object.entries(error.errors ?? {}).map(
      ([field, texts]) => ` ${field} ${texts.join(", ")}.`,
    );
    throw new Failed(error.message + fields.join(""));
  }
}

function describe(connection: ConnectionState): string | undefined {
  switch (connection.state) {
    case "open":
      return `connected as ${connection.user.username}`;
    case "waiting":
      return `${connection.error.message} Retrying in ${(connection.retryInMs / 1000).toFixed(1)} s`;
    case "closed":
      return connection.error.code === "closed" ? undefined : connection.error.message;
    default:
      return undefined;
  }
}
