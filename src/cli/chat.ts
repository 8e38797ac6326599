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
import { type Command, CommandError, type Context } from "./command.ts";

/** How many earlier messages are shown. */
const HISTORY = 20;

export const chat: Command = {
  name: "chat",
  usage: "[--register] <url> <room>|@<username>",
  about: "Chat in a room of a server, or with a person: sends each line, typed or piped, as a message",
  async run(context) {
    const { args, env, err } = context;
    const register = args[0] === "--register";
    const [url, name, ...rest] = register ? args.slice(1) : args;
    if (!url || !name || rest.length > 0 || !URL.canParse(url))
      throw new CommandError("Usage: parley chat [--register] <url> <room>|@<username>");
    const token = env.PARLEY_TOKEN;
    await using client = createChat({ url, ...(token && { tokens: () => token }) });
    if (!token) await signIn(client, context, register);

    const ended = Promise.withResolvers<number>();
    client.on("connection", (connection) => {
      const text = describe(connection);
      if (text) err(`(${text})`);
      if (connection.state === "closed") ended.resolve(1);
    });
    const room = await enter(client, name, context);
    room.subscribe(() => {
      const { error } = room.snapshot();
      if (!error || error.code === "closed") return;
      err(`(${error.message})`);
      ended.resolve(1);
    });
    const shown = show(room, context);
    void talk(room, context.lines(), err).then((code) => shown.then(() => ended.resolve(code)));
    void context.untilSignal().then(() => ended.resolve(0));
    return await ended.promise; // before the client is closed
  },
};

/** Joins a room, or the direct room with a person. */
async function enter(client: Chat, name: string, context: Context): Promise<Room> {
  if (!name.startsWith("@")) return client.room(await choose(client, name, context), { history: 0 });
  client.connect(); // so that its state is printed while the request is repeated
  try {
    return await client.direct([name]);
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    throw new CommandError(
      error.code === "invalid" ? `${printable(name)} is not known here.` : error.message,
    );
  }
}

/** Returns the room to enter: the named one or, if that is new, one that looks like it and that the person prefers. */
async function choose(client: Chat, name: string, { ask, err }: Context): Promise<string> {
  const { rooms } = await client.listRooms({ like: name }).catch(() => ({ rooms: [] })); // reported when it connects
  const [like] = rooms;
  if (!like || rooms.some(({ room }) => room === name.normalize())) return name;
  const [wanted, existing] = [printable(name), printable(like.room)];
  const answer = ask(`There is a room ${existing}. Enter it instead of creating ${wanted}? [Y/n]`, false);
  if (answer === undefined) err(`(There is also a room ${existing}, which looks like ${wanted}.)`);
  return answer === undefined || /^n/i.test(answer) ? name : like.room;
}

/** Prints earlier messages and then new ones as they arrive. Resolves once the earlier ones are printed. */
function show(room: Room, { out, err }: Context): Promise<void> {
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
    deleted: "deleted the room",
  };
  return `${nameOf(by)} ${what[type] ?? "changed the room's settings"}`;
}

const nameOf = ({ username }: User) => printable(username);

/** Indents further lines and removes control characters, which could move the cursor or ring the bell. */
const printable = (text: string) => text.replaceAll("\n", "\n  ").replace(/[^\P{C}\n\p{Cf}]/gu, "");

/** Sends each line and waits until all sends have settled. Returns the exit code. */
async function talk(room: Room, lines: AsyncIterable<string>, err: Context["err"]): Promise<number> {
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
async function signIn(client: Chat, { env, ask }: Context, register: boolean): Promise<void> {
  const setting = (prompt: string, name: string, secret: boolean) => {
    const given = env[name] || ask(`${prompt}:`, secret);
    if (!given) throw new CommandError(`Set ${name}, or run this command in a terminal.`);
    return given;
  };
  const email = setting("Email", "PARLEY_EMAIL", false);
  const password = setting("Password", "PARLEY_PASSWORD", true);
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
    throw new CommandError(error.message + fields.join(""));
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
