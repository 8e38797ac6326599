// WebSocket frames (RFC 6455) for a load client: unfragmented, uncompressed, without costly checks.

/** Opcodes of RFC 6455, section 5.2. */
export const OPCODE = { text: 1, close: 8, ping: 9, pong: 10 } as const;

const FINAL = 0x80;
const MASKED = 0x80;
/** Bytes of the header, a 16-bit length and the mask. */
export const OVERHEAD = 8;

/**
 * Writes a client frame of ASCII text at `at` and returns the offset of its end. The mask is zero, which the server must
 * unmask like any other.
 */
export function writeFrame(into: Buffer, at: number, opcode: number, text: string): number {
  const { length } = text;
  into[at++] = FINAL | opcode;
  if (length < 126) into[at++] = MASKED | length;
  else {
    into[at++] = MASKED | 126;
    into[at++] = length >>> 8;
    into[at++] = length & 0xff;
  }
  into.fill(0, at, at + 4);
  return at + 4 + into.write(text, at + 4, "latin1");
}

/**
 * Reads server frames from `bytes`, starting at `at`. Returns the offset of the first incomplete frame. `onFrame`
 * receives the opcode and the bounds of the payload.
 */
export function readFrames(
  bytes: Buffer,
  at: number,
  onFrame: (opcode: number, from: number, to: number) => void,
): number {
  const end = bytes.length;
  for (;;) {
    if (at + 2 > end) return at;
    let length = (bytes[at + 1] as number) & 0x7f;
    let from = at + 2;
    if (length === 126) {
      if (from + 2 > end) return at;
      length = bytes.readUInt16BE(from);
      from += 2;
    } else if (length === 127) {
      if (from + 8 > end) return at;
      length = bytes.readUInt32BE(from + 4); // frames stay far below 4 GiB
      from += 8;
    }
    if (from + length > end) return at;
    onFrame((bytes[at] as number) & 0x0f, from, from + length);
    at = from + length;
  }
}
