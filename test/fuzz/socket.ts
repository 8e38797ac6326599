import type { Socket } from "bun";
import { OPCODE } from "./wire.ts";

/** A frame from the server. */
export interface Received {
  readonly opcode: number;
  readonly payload: Buffer;
}

interface RawSocketOptions {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  received(frame: Received): void;
  /** Called once, when the TCP connection has ended. */
  ended(): void;
}

/** A WebSocket client that sends arbitrary bytes. */
export interface RawSocket {
  /** The HTTP status of the handshake; 0 if the connection ended without a response. */
  readonly status: Promise<number>;
  write(bytes: Buffer): void;
  cut(): void;
}

export async function openRawSocket(options: RawSocketOptions): Promise<RawSocket> {
  const { port, path, headers, received, ended } = options;
  const status = Promise.withResolvers<number>();
  const waiting: Buffer[] = [];
  let bytes: Buffer = Buffer.alloc(0);
  let open = false;
  let gone = false;

  const flush = () => {
    while (waiting[0] && !gone) {
      const written = Math.max(0, socket.write(waiting[0]));
      if (written < waiting[0].length) {
        waiting[0] = waiting[0].subarray(written);
        return;
      }
      waiting.shift();
    }
  };

  const end = () => {
    if (gone) return;
    gone = true;
    status.resolve(0);
    ended();
  };

  const readHead = () => {
    const headEnd = bytes.indexOf("\r\n\r\n");
    if (headEnd === -1) return;
    const code = Number(bytes.toString("latin1", 9, 12));
    bytes = bytes.subarray(headEnd + 4);
    open = code === 101;
    status.resolve(code);
  };

  const readFrames = () => {
    for (;;) {
      const frame = frameAt(bytes);
      if (!frame) return;
      bytes = bytes.subarray(frame.size);
      received(frame);
    }
  };

  const socket: Socket = await Bun.connect({
    hostname: "127.0.0.1",
    port,
    socket: {
      data(_, chunk) {
        bytes = bytes.length === 0 ? Buffer.from(chunk) : Buffer.concat([bytes, chunk]);
        if (!open) readHead();
        if (open) readFrames();
      },
      drain: flush,
      close: end,
      end,
      error: end,
    },
  });
  const lines = Object.entries({
    Host: `127.0.0.1:${port}`,
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  const write = (piece: Buffer) => {
    waiting.push(piece);
    if (waiting.length === 1) flush();
  };
  write(Buffer.from(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`, "latin1"));

  return {
    status: status.promise,
    write,
    cut() {
      socket.terminate();
      end();
    },
  };
}

/** Parses the unmasked server frame at the start of the bytes; undefined if it is incomplete. */
function frameAt(bytes: Buffer): (Received & { size: number }) | undefined {
  if (bytes.length < 2) return undefined;
  const short = (bytes[1] as number) & 0x7f;
  const start = short === 126 ? 4 : short === 127 ? 10 : 2;
  if (bytes.length < start) return undefined;
  const length =
    short === 126 ? bytes.readUInt16BE(2) : short === 127 ? Number(bytes.readBigUInt64BE(2)) : short;
  if (bytes.length < start + length) return undefined;
  const opcode = (bytes[0] as number) & 0x0f;
  return { opcode, payload: bytes.subarray(start, start + length), size: start + length };
}

/** Returns the code of a close frame, 1005 if it has none, and undefined for other frames. */
export const closeCode = ({ opcode, payload }: Received): number | undefined =>
  opcode === OPCODE.close ? (payload.length >= 2 ? payload.readUInt16BE(0) : 1005) : undefined;
