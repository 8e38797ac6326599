import { type Member, RING } from "./member.ts";
import { OPCODE, OVERHEAD, writeFrame } from "./wire.ts";
import { type Pace, STAMP_LENGTH, TEXT_LENGTH } from "./orders.ts";

const PADDING = " and the tide came in over the long grey sand, as it does".padEnd(TEXT_LENGTH, ".");
/** More than one turn writes to one socket, in bytes. */
const BUFFER_BYTES = 256 * 1024;
const FRAME_MAX = OVERHEAD + 512;
const TICK_MS = 1;

/** Sends messages for members at a given pace. */
export interface Talk {
  start(speakers: readonly Member[], pace: Pace): void;
  stop(): void;
  /** Call when a message of this member was acknowledged. Its next message goes out with `flush`. */
  answered(member: Member): void;
  /** Writes the buffered frames to this member's socket. */
  flush(member: Member): void;
  /** Buffers a pong, which goes out with `flush`. */
  pong(payload: string): void;
  /** Call when the kernel accepts bytes again. */
  drained(member: Member): void;
}

export function createTalk(now: () => number): Talk {
  const out = Buffer.alloc(BUFFER_BYTES);
  let end = 0;
  let talking = false;
  let byWindow = false;
  let timer: ReturnType<typeof setInterval> | undefined;

  const say = (member: Member) => {
    const { stamps } = member;
    if (!stamps || end + FRAME_MAX > out.length || member.unanswered >= RING) return;
    const stamp = Math.round(now());
    const ref = ++member.ref;
    stamps[ref % RING] = stamp;
    member.unanswered++;
    member.left--;
    const text = `${String(stamp).padStart(STAMP_LENGTH, "0")}${PADDING.slice(STAMP_LENGTH)}`;
    const clientId = crypto.randomUUID();
    const frame =
      member.protocol === "v1"
        ? `{"type":"send","ref":${ref},"clientId":"${clientId}","content":"${text}"}`
        : `{"message":"${text}","clientId":"${clientId}"}`;
    end = writeFrame(out, end, OPCODE.text, frame);
  };

  const write = (member: Member, bytes: Buffer) => {
    const { socket, unsent } = member;
    if (!socket || member.state === "closed") return;
    if (unsent) member.unsent = Buffer.concat([unsent, bytes]);
    else {
      const taken = socket.write(bytes);
      if (taken < bytes.length) member.unsent = Buffer.from(bytes.subarray(Math.max(taken, 0)));
    }
  };

  const flush = (member: Member) => {
    if (end === 0) return;
    const bytes = out.subarray(0, end);
    end = 0;
    write(member, bytes);
  };

  return {
    flush,
    start(speakers, pace) {
      talking = true;
      byWindow = "window" in pace;
      for (const member of speakers) member.left = ("each" in pace ? pace.each : undefined) ?? Infinity;
      if ("window" in pace) {
        for (const member of speakers) {
          for (let count = 0; count < pace.window && member.left > 0; count++) say(member);
          flush(member);
        }
        return;
      }
      const begun = now();
      let said = 0;
      timer = setInterval(() => {
        const due = Math.floor(((now() - begun) / 1e6) * pace.perSecond);
        for (; said < due; said++) {
          const member = speakers[said % speakers.length] as Member;
          say(member);
          flush(member);
        }
      }, TICK_MS);
    },
    stop() {
      talking = false;
      clearInterval(timer);
    },
    answered(member) {
      if (talking && byWindow && member.left > 0) say(member);
    },
    pong(payload) {
      end = writeFrame(out, end, OPCODE.pong, payload);
    },
    drained(member) {
      const { unsent } = member;
      if (!unsent) return;
      member.unsent = undefined;
      write(member, unsent);
    },
  };
}
