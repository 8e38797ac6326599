import { frameText, MAX_FRAME_BYTES, mayBeSilent, readableRef } from "./command.ts";
import { ENDINGS } from "./ending.ts";
import type { Random } from "./random.ts";
import { closeCode, openRawSocket, type RawSocket, type Received } from "./socket.ts";
import { fragments, frame, OPCODE } from "./wire.ts";

const PATIENCE_MS = 20_000;
/** So many frames are sent before their answers are waited for. */
const BURST = 40;

export interface LifeOptions {
  readonly random: Random;
  readonly port: number;
  readonly token: string;
  readonly frames: number;
}

/** What one socket sent and got. */
export interface Tally {
  frames: number;
  withRef: number;
  answered: number;
  /** Errors that answer a frame without a readable ref. */
  errors: number;
  pongs: number;
  ending: string;
}

/** What must not happen; `last` is what was sent before it. */
export class Breach extends Error {
  constructor(what: string, last: string) {
    super(
      `${what}; the last text was ${last.length > 300 ? `${last.slice(0, 300)}… (${last.length})` : last}`,
    );
  }
}

/** One socket's life: random frames, each held to its answer, and a random end. @throws {Breach} */
export async function live({ random, port, token, frames }: LifeOptions): Promise<Tally> {
  const format = random.chance(0.15) ? "plain" : "v1";
  const tally: Tally = { frames: 0, withRef: 0, answered: 0, errors: 0, pongs: 0, ending: "" };
  const outstanding = new Set<number>();
  let errorsDue = 0;
  /** More errors that may come. */
  let errorsAllowed = 0;
  let pongsDue = 0;
  let ended = false;
  let code = 1006;
  let fault: string | undefined;
  let last = "";
  let wake = () => {};

  const received = (got: Received) => {
    if (got.opcode === OPCODE.pong) {
      pongsDue--;
      tally.pongs++;
    } else if (got.opcode === OPCODE.close) {
      code = closeCode(got) ?? code;
      if (!tally.ending) fault ??= `the server closed with ${code}`;
    } else if (got.opcode === OPCODE.text && format === "v1") answer(JSON.parse(got.payload.toString()));
    wake();
  };

  const answer = ({ type, ref }: { type: string; ref?: number }) => {
    if (ref !== undefined) {
      if (outstanding.delete(ref)) tally.answered++;
      else if (!tally.ending) fault ??= `an answer too many, to ref ${ref}`;
    } else if (type === "error") {
      errorsDue--;
      tally.errors++;
      if (errorsDue < -errorsAllowed && !tally.ending) fault ??= "an error too many";
    }
  };

  async function until(what: () => string, holds: () => boolean) {
    const end = performance.now() + PATIENCE_MS;
    while (!holds()) {
      if (fault) throw new Breach(fault, last);
      if (ended && !tally.ending) throw new Breach("the server cut the socket", last);
      const left = end - performance.now();
      if (left <= 0) throw new Breach(`${what()} after ${PATIENCE_MS / 1000} s`, last);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  const settled = () =>
    until(
      () =>
        `without an answer: ${outstanding.size} refs (${[...outstanding].slice(0, 5)}), ${errorsDue} errors, ${pongsDue} pongs`,
      () => outstanding.size === 0 && errorsDue <= 0 && pongsDue <= 0,
    );

  const socket = await open();

  async function open(): Promise<RawSocket> {
    const v1 = { "Sec-WebSocket-Protocol": `chat.v1, bearer.${token}` };
    const byUrl = format === "plain" || random.chance(0.3);
    const opened = await openRawSocket({
      port,
      path: byUrl ? `/ws/chat/fuzz-${random.below(40)}/` : "/ws/",
      headers: format === "v1" ? v1 : { Authorization: `Bearer ${token}` },
      received,
      ended() {
        ended = true;
        wake();
      },
    });
    const status = await opened.status;
    if (status !== 101) throw new Breach(`the handshake was answered ${status}`, "");
    return opened;
  }

  /** On a room's URL a command may leave the room out, so there is no telling which ones are answered with an error. */
  async function sendText(text: string) {
    const payload = Buffer.from(text);
    // Lone surrogates become U+FFFD on the way: what counts is what arrives.
    last = payload.toString();
    const ref = readableRef(last);
    if (format === "v1") {
      if (mayBeSilent(last)) errorsAllowed++;
      else if (ref === undefined) errorsDue++;
      else {
        // Whether it is still outstanding would depend on time: then a seed would not replay.
        if (outstanding.has(ref)) await settled();
        outstanding.add(ref);
        tally.withRef++;
      }
    }
    const whole = !random.chance(0.1);
    socket.write(
      whole ? frame(random, payload, { opcode: OPCODE.text }) : fragments(random, payload, OPCODE.text),
    );
  }

  for (let ref = 1; ref <= frames; ref++) {
    tally.frames++;
    const kind = random.next();
    if (kind < 0.03) {
      const json = Buffer.from(frameText(random, format, ref, token));
      const payload = random.chance(0.5) ? json : random.bytes(random.below(200));
      if (format === "v1") errorsDue++;
      last = "(binary)";
      socket.write(frame(random, payload, { opcode: OPCODE.binary }));
    } else if (kind < 0.06) {
      pongsDue++;
      socket.write(frame(random, random.bytes(random.below(126)), { opcode: OPCODE.ping }));
    } else if (kind < 0.07) {
      socket.write(frame(random, random.bytes(random.below(126)), { opcode: OPCODE.pong }));
    } else if (kind < 0.075) {
      // Just within the limit.
      await sendText(`{"type":"ping","ref":${ref}}`.padEnd(MAX_FRAME_BYTES, " "));
    } else await sendText(frameText(random, format, ref, token));
    if (ref % BURST === 0) await settled();
  }
  await settled();

  const ending = random.pick(format === "v1" ? ENDINGS : ENDINGS.slice(0, -1));
  tally.ending = ending.name;
  socket.write(ending.bytes(random));
  if (ending.codes) {
    await until(
      () => `no end (${ending.name})`,
      () => ended,
    );
    if (!ending.codes.includes(code)) throw new Breach(`${ending.name} was answered with ${code}`, last);
  }
  socket.cut();
  return tally;
}
