import { frameText, MAX_FRAME_BYTES, mayBeSilent, readableRef } from "./command.ts";
import { ENDINGS } from "./ending.ts";
import type { Random } from "./random.ts";
import { closeCode, openRawSocket, type RawSocket, type Received } from "./socket.ts";
import { fragments, frame, OPCODE } from "./wire.ts";

const PATIENCE_MS = 20_000;
/** Number of frames to send before waiting for their replies. */
const BURST = 40;

export interface LifeOptions {
  readonly random: Random;
  readonly port: number;
  readonly token: string;
  readonly frames: number;
}

/** What one socket sent and received. */
export interface Tally {
  frames: number;
  withRef: number;
  answered: number;
  /** Errors in reply to frames without a readable ref. */
  errors: number;
  pongs: number;
  ending: string;
}

/** A violation of the protocol by the server; `last` is the last text sent before it. */
export class Breach extends Error {
  constructor(what: string, last: string) {
    super(
      `${what}; the last text was ${last.length > 300 ? `${last.slice(0, 300)}… (${last.length})` : last}`,
    );
  }
}

/** Runs one socket: sends random frames, verifies each reply, and ends in a random way. @throws {Breach} */
export async function live({ random, port, token, frames }: LifeOptions): Promise<Tally> {
  const format = random.chance(0.15) ? "plain" : "v1";
  const tally: Tally = { frames: 0, withRef: 0, answered: 0, errors: 0, pongs: 0, ending: "" };
  const outstanding = new Set<number>();
  let errorsDue = 0;
  /** Further errors that are optional. */
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
    } else if (got.opcode === OPCODE.text && format === "v1") reply(JSON.parse(got.payload.toString()));
    wake();
  };

  const reply = ({ type, ref }: { type: string; ref?: number }) => {
    if (ref !== undefined) {
      if (outstanding.delete(ref)) tally.answered++;
      else if (!tally.ending) fault ??= `an unexpected reply to ref ${ref}`;
    } else if (type === "error") {
      errorsDue--;
      tally.errors++;
      if (errorsDue < -errorsAllowed && !tally.ending) fault ??= "an unexpected error";
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
        `no reply: ${outstanding.size} refs (${[...outstanding].slice(0, 5)}), ${errorsDue} errors, ${pongsDue} pongs`,
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
    if (status !== 101) throw new Breach(`the handshake got status ${status}`, "");
    return opened;
  }

  /**
   * Sends a text and records the reply that is due. A ref may get `ok` or an error, because on a room's URL a command may
   * omit the room.
   */
  async function sendText(text: string) {
    const payload = Buffer.from(text);
    // Encoding turns lone surrogates into U+FFFD, so look at the text as it arrives.
    last = payload.toString();
    const ref = readableRef(last);
    if (format === "v1") {
      if (mayBeSilent(last)) errorsAllowed++;
      else if (ref === undefined) errorsDue++;
      else {
        // Whether the ref is still outstanding depends on timing, so wait: a seed must replay the same frames.
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
      // The largest allowed frame.
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
      () => `the server did not close (${ending.name})`,
      () => ended,
    );
    if (!ending.codes.includes(code))
      throw new Breach(`after "${ending.name}" the server closed with ${code}`, last);
  }
  socket.cut();
  return tally;
}
