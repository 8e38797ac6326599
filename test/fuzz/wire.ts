import type { Random } from "./random.ts";

export const OPCODE = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

export interface FrameOptions {
  readonly opcode: number;
  /** The FIN bit; false if the message continues in another frame. */
  readonly last?: boolean;
  readonly reserved?: number;
  readonly masked?: boolean;
  /** A false value for the length field. */
  readonly length?: bigint;
}

/** Encodes a client frame (RFC 6455, section 5.2), valid or not. */
export function frame(random: Random, payload: Uint8Array, options: FrameOptions): Buffer {
  const { opcode, last = true, reserved = 0, masked = true, length = BigInt(payload.length) } = options;
  const first = (last ? 0x80 : 0) | (reserved << 4) | opcode;
  const flag = masked ? 0x80 : 0;
  let head: Buffer;
  if (length < 126n) head = Buffer.from([first, flag | Number(length)]);
  else if (length < 65_536n) {
    head = Buffer.from([first, flag | 126, 0, 0]);
    head.writeUInt16BE(Number(length), 2);
  } else {
    head = Buffer.from([first, flag | 127, 0, 0, 0, 0, 0, 0, 0, 0]);
    head.writeBigUInt64BE(length, 2);
  }
  if (!masked) return Buffer.concat([head, payload]);
  const mask = random.bytes(4);
  const hidden = Buffer.from(payload);
  for (let index = 0; index < hidden.length; index++)
    hidden[index] = (hidden[index] as number) ^ (mask[index & 3] as number);
  return Buffer.concat([head, mask, hidden]);
}

/** Encodes a message in fragments of random size, with pings in between. */
export function fragments(random: Random, payload: Buffer, opcode: number): Buffer {
  const parts: Buffer[] = [];
  let rest = payload;
  let first = true;
  while (rest.length > 0 && parts.length < 12) {
    const part = rest.subarray(0, random.below(rest.length + 1));
    rest = rest.subarray(part.length);
    parts.push(frame(random, part, { opcode: first ? opcode : OPCODE.continuation, last: false }));
    if (random.chance(0.2)) parts.push(frame(random, random.bytes(4), { opcode: OPCODE.ping }));
    first = false;
  }
  parts.push(frame(random, rest, { opcode: first ? opcode : OPCODE.continuation }));
  return Buffer.concat(parts);
}
