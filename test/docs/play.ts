import { type FrameWatch, watchPlain, watchV1 } from "../support/frames.ts";
import { frameOf, handshake, nextFrame, type RawConnection } from "../support/raw.ts";
import { type Bindings, fill, mismatch, patternOf } from "./pattern.ts";
import { openStage, type Stage } from "./stage.ts";
import type { Block } from "./transcripts.ts";

type Frame = Record<string, unknown>;

/** The character of a message of a certain length: two bytes, so that fewer messages fill the kernel's buffers. */
const FULL = "é";

/** One person's socket in a transcript. */
interface Seat {
  readonly name: string;
  readonly format: "v1" | "plain";
  readonly connection: RawConnection;
  readonly watch: FrameWatch;
  /** A frame that was read ahead. The next line of the transcript gets it first. */
  ahead: Frame | undefined;
  open: boolean;
}

/** The state of a transcript. It uses the common server, or its own server if it specifies settings. */
interface Play {
  stage: Stage;
  own: Stage | undefined;
  readonly bindings: Bindings;
  readonly seats: Map<string, Seat>;
  last: string;
}

/** Events other than frames: the sentences allowed after `*`, and their actions. */
const EVENTS: readonly [RegExp, (play: Play, ...words: string[]) => Promise<void> | void][] = [
  [
    /^the server has (.+)$/,
    async (play, settings = "") => {
      const pairs = settings.split(" ").map((pair) => pair.split("=") as [string, string]);
      play.stage = play.own = await openStage(Object.fromEntries(pairs));
    },
  ],
  [
    /^(\w+) opens (\S+?)( with chat\.v1)?( and a token that is not valid)?$/,
    (play, name = "", path = "", v1, bad) => open(play, name, path, v1 ? "v1" : "plain", Boolean(bad)),
  ],
  [
    /^(\w+) posts "(.+)" in (\S+)$/,
    ({ stage }, name = "", text = "", room = "") => stage.post(name, room, [text]),
  ],
  [
    /^(\w+) edits message (\d+) in (\S+) to "(.+)"$/,
    ({ stage }, name = "", id = "", room = "", content = "") =>
      stage.change(name, "PATCH", room, id, { content }),
  ],
  [
    /^(\w+) deletes message (\d+) in (\S+)$/,
    ({ stage }, name = "", id = "", room = "") => stage.change(name, "DELETE", room, id),
  ],
  [
    /^(\w+) creates the private room "(.+)" with (\w+)$/,
    async ({ stage, bindings }, name = "", title = "", other = "") => {
      await stage.tokensOf(other);
      bindings.set("the room", await stage.create(name, title, other));
    },
  ],
  [/^(\w+) logs out$/, ({ stage }, name = "") => stage.logOut(name)],
  [/^the server is stopped$/, async ({ stage }) => void stage.stop()],
  [/^(\w+)'s connection is cut$/, (play, name = "") => leave(seatOf(play, name))],
  [
    /^(\w+) reads nothing while (\w+) posts (\d+) messages of (\d+) characters in (\S+)$/,
    async (play, reader = "", writer = "", count = "", length = "", room = "") => {
      const { socket } = seatOf(play, reader).connection;
      socket.pause();
      await play.stage.post(writer, room, Array<string>(Number(count)).fill(FULL.repeat(Number(length))));
      socket.resume();
    },
  ],
  [
    /^the server closes with (\d+)$/,
    async (play, code) => {
      const seat = seatOf(play);
      let end = await nextFrame(seat.connection);
      // It comes about a second after a join.
      while ("text" in end && end.text.startsWith('{"type":"rooms"')) end = await nextFrame(seat.connection);
      if (!("close" in end) || end.close !== Number(code))
        throw new Error(`the socket got ${JSON.stringify(end)}`);
      leave(seat);
    },
  ],
];

/** Plays a transcript: sends the client's frames and compares the server's frames with it. */
export async function play(block: Block, common: Stage): Promise<void> {
  const state: Play = { stage: common, own: undefined, bindings: new Map(), seats: new Map(), last: "" };
  try {
    for (const line of block.lines) await step(state, line);
    for (const seat of state.seats.values()) await nothingMore(seat);
  } finally {
    for (const seat of state.seats.values()) leave(seat);
    await state.own?.stop();
  }
}

/** Executes one line of a transcript. */
export async function step(state: Play, line: string): Promise<void> {
  const [, name = "", sign = "", text = ""] = /^(?:(\w+) )?([*<>])(?: (.*))?$/.exec(line) ?? [];
  try {
    if (sign === "*") await runEvent(state, text);
    else if (sign === ">") send(seatOf(state, name), text, state.bindings);
    else if (text.startsWith("…")) await skip(seatOf(state, name), text);
    else await expectFrame(seatOf(state, name), text, state.bindings);
  } catch (error) {
    throw new Error(`${line}\n${(error as Error).message}`, { cause: error });
  }
}

async function runEvent(state: Play, sentence: string): Promise<void> {
  for (const [form, act] of EVENTS) {
    const found = form.exec(fill(sentence, state.bindings));
    if (found) return void (await act(state, ...found.slice(1)));
  }
  throw new Error("no event matches this sentence");
}

async function open(state: Play, name: string, path: string, format: "v1" | "plain", badToken: boolean) {
  const { stage, bindings } = state;
  const token = badToken ? "nonsense" : (await stage.tokensOf(name)).access;
  // The path may need the epoch before any frame has bound it.
  const asked = path.includes("<epoch>") ? path.replace("<epoch>", await epochOf(stage, name)) : path;
  const { status, body, connection } = await handshake(
    stage,
    fill(asked, bindings),
    format === "v1"
      ? { "Sec-WebSocket-Protocol": `chat.v1, bearer.${token}` }
      : { Authorization: `Bearer ${token}` },
  );
  if (status !== 101) throw new Error(`the handshake was rejected with ${status} ${body}`);
  const watch = format === "v1" ? watchV1() : watchPlain();
  state.seats.set(name, { name, format, connection, watch, ahead: undefined, open: true });
  state.last = name;
}

async function epochOf({ url, tokensOf }: Stage, name: string): Promise<string> {
  const authorization = `Bearer ${(await tokensOf(name)).access}`;
  const response = await fetch(`${url}/history/any/`, { headers: { authorization } });
  return response.headers.get("parley-epoch") ?? "";
}

function seatOf(state: Play, name = ""): Seat {
  const seat = state.seats.get(name || state.last);
  if (!seat) throw new Error("nobody has opened a socket");
  if (!name && state.seats.size > 1) throw new Error("with several sockets, each line must name its person");
  return seat;
}

function leave(seat: Seat): void {
  seat.open = false;
  seat.connection.end();
}

function send({ connection, watch }: Seat, text: string, bindings: Bindings): void {
  const data = fill(text, bindings);
  watch.sent(data);
  connection.socket.write(frameOf(data));
}

async function read(seat: Seat, type?: string): Promise<Frame> {
  const { ahead } = seat;
  seat.ahead = undefined;
  if (ahead) return ahead;
  for (;;) {
    const next = await nextFrame(seat.connection);
    if ("close" in next) throw new Error(`the server closed the socket with ${next.close}`);
    const frame = JSON.parse(next.text) as Frame;
    const wrong = seat.watch.received(frame);
    if (wrong) throw new Error(`${wrong}; the server sent ${next.text.slice(0, 2_000)}`);
    // These arrive about a second later, between any other frames.
    if ((frame.type !== "presence" && frame.type !== "rooms") || frame.type === type) return frame;
  }
}

async function expectFrame(seat: Seat, text: string, bindings: Bindings): Promise<void> {
  const [, type] = /"type": "(\w+)"/.exec(text) ?? [];
  const frame = await read(seat, type);
  const wrong = mismatch(patternOf(text), frame, bindings);
  if (wrong) throw new Error(`${wrong}; the server sent ${JSON.stringify(frame).slice(0, 2_000)}`);
}

/** Skips one or more messages that have the field named in `… messages, with prev`. */
async function skip(seat: Seat, text: string): Promise<void> {
  const [, field = ""] = /^… messages, with (\w+)$/.exec(text) ?? [];
  for (let count = 0; ; count++) {
    const frame = await read(seat);
    if (frame.type === "message" && field in frame) continue;
    if (count === 0)
      throw new Error(`no such message; the server sent ${JSON.stringify(frame).slice(0, 2_000)}`);
    seat.ahead = frame;
    return;
  }
}

/** Verifies that no frame is missing from the transcript: the reply to another command must come next. */
async function nothingMore(seat: Seat): Promise<void> {
  if (!seat.open) return;
  const { command, reply } =
    seat.format === "v1"
      ? { command: '{"type": "ping", "ref": 9999}', reply: '{"type": "ok", "ref": 9999}' }
      : {
          command: "?",
          reply: '{"error": {"code": "malformed", "message": "The frame is not JSON.", "retryable": false}}',
        };
  send(seat, command, new Map());
  await expectFrame(seat, reply, new Map());
}
