import {
  type Chat,
  ChatError,
  type ConnectionState,
  createChat,
  type Message,
  type Room,
} from "../client/index.ts";
import { isBlank } from "../protocol/blank.ts";
import { type Command, CommandError, type Context } from "./command.ts";

/** How many earlier messages are shown. */
const HISTORY = 20;

export const chat: Command = {
  name: "chat",
  usage: "[--register] <url> <room>",
  about: "Chat in a room of a server: sends each line, typed or piped, as a message",
  async run(context) {
    const { args, env, err } = context;
    const register = args[0] === "--register";
    const [url, name, ...rest] = register ? args.slice(1) : args;
    if (!url || !name || rest.length > 0 || !URL.canParse(url))
      throw new CommandError("Usage: parley chat [--register] <url> <room>");
    const token = env.PARLEY_TOKEN;
    await using client = createChat({ url, ...(token && { tokens: () => token }) });
    if (!token) await signIn(client, context, register);

    const ended = Promise.withResolvers<number>();
    client.on("connection", (connection) => {
      const text = describe(connection);
      if (text) err(`(${text})`);
      if (connection.state === "closed") ended.resolve(1);
    });
    const room = client.room(await choose(client, name, context), { history: 0 });
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
function show(room: Room, { out }: Context): Promise<void> {
  let shown: number | undefined;
  const more = (messages: readonly Message[]) => {
    for (const message of messages) {
      if (message.id <= (shown ?? 0)) continue;
      shown = message.id;
      if (message.deletedAt === undefined) out(line(message));
    }
  };
  room.subscribe(() => shown !== undefined && more(room.snapshot().messages));
  room.on("message", ({ change, ...message }) => {
    if (message.id > (shown ?? 0) || change === "created") return;
    out(`${printable(message.username)} has ${change} message ${message.id}: ${printable(message.content)}`);
  });
  return room.history({ limit: HISTORY }).then(
    ({ messages }) => {
      shown = 0;
      more(messages);
      more(room.snapshot().messages);
    },
    () => {}, // the room reports the error itself
  );
}

const line = ({ username, content }: Message) => `${printable(username)}: ${printable(content)}`;

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
