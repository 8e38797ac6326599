import { connect as connectTcp, type Socket } from "node:net";
import { PATIENCE_MS } from "./client.ts";
import { holdExchange } from "./contract.ts";

/** Encodes a client frame (RFC 6455, section 5.2): masked, with the FIN bit. */
export function frameOf(payload: string | Uint8Array, opcode = typeof payload === "string" ? 1 : 2): Buffer {
  const data = Buffer.from(payload as string);
  const { length } = data;
  const head = Buffer.alloc(length < 126 ? 2 : length < 65_536 ? 4 : 10);
  head[0] = 0x80 | opcode;
  if (length < 126) head[1] = 0x80 | length;
  else if (length < 65_536) {
    head[1] = 0x80 | 126;
    head.writeUInt16BE(length, 2);
  } else {
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(length), 2);
  }
  // A mask of zeros leaves the payload unchanged.
  return Buffer.concat([head, Buffer.alloc(4), data]);
}

/** Encodes a message as two fragments (section 5.4). */
export function fragmentsOf(first: string, second: string): Buffer {
  const begin = frameOf(first);
  begin[0] = 1;
  return Buffer.concat([begin, frameOf(Buffer.from(second), 0)]);
}

/** A server's response to raw bytes. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: string;
}

/** A TCP connection to a server, for bytes that no ordinary client would send. */
export interface RawConnection {
  readonly socket: Socket;
  /** Waits until `read` returns a value for the received bytes, then consumes `length` of them. */
  read<T>(read: (bytes: Buffer) => { value: T; length: number } | undefined): Promise<T>;
  /** Reads the next HTTP/1.1 response. Without a content length it ends with its headers. */
  answer(): Promise<RawAnswer>;
  end(): void;
}

export async function openRaw({ url }: { url: string }): Promise<RawConnection> {
  const { hostname, port } = new URL(url);
  const socket = connectTcp({ host: hostname, port: Number(port) });
  let chunks: Buffer[] = [];
  let ended = false;
  let wake = () => {};
  socket.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    wake();
  });
  for (const event of ["close", "error"])
    socket.on(event, () => {
      ended = true;
      wake();
    });
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });

  async function read<T>(take: (bytes: Buffer) => { value: T; length: number } | undefined): Promise<T> {
    const end = performance.now() + PATIENCE_MS;
    for (;;) {
      const bytes = chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks);
      const taken = take(bytes);
      chunks = [bytes.subarray(taken?.length ?? 0)];
      if (taken) return taken.value;
      const left = end - performance.now();
      if (ended || left <= 0)
        throw new Error(`${ended ? "the connection ended" : "timed out"} with ${bytes.length} unread bytes`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  return { socket, read, answer: () => read(answerOf), end: () => void socket.destroy() };
}

function answerOf(bytes: Buffer): { value: RawAnswer; length: number } | undefined {
  const headEnd = bytes.indexOf("\r\n\r\n");
  if (headEnd === -1) return undefined;
  const [first = "", ...lines] = bytes.toString("latin1", 0, headEnd).split("\r\n");
  const headers = new Headers();
  for (const line of lines) {
    const colon = line.indexOf(":");
    headers.append(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  const start = headEnd + 4;
  const length = start + Number(headers.get("content-length") ?? 0);
  if (bytes.length < length) return undefined;
  return {
    value: { status: Number(first.split(" ")[1]), headers, body: bytes.toString("utf8", start, length) },
    length,
  };
}

/** Sends a WebSocket handshake. Verifies any response other than 101 against the documented refusals. */
export async function handshake(
  server: { url: string },
  path: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawAnswer & { connection: RawConnection }> {
  const connection = await openRaw(server);
  const lines = Object.entries({
    Host: new URL(server.url).host,
    Connection: "Upgrade",
    Upgrade: "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`);
  connection.socket.write(`GET ${path} HTTP/1.1\r\n${lines.join("")}\r\n`);
  const answer = await connection.answer();
  if (answer.status !== 101) holdExchange({ method: "GET", target: path, ...answer, text: answer.body });
  return { ...answer, connection };
}

/** Returns the server's next frame: the text of a text frame, or the code of a close frame. Skips pings. */
export async function nextFrame({ read }: RawConnection): Promise<{ text: string } | { close: number }> {
  for (;;) {
    const { opcode, payload } = await read(serverFrame);
    if (opcode === 1) return { text: payload.toString() };
    if (opcode === 8) return { close: payload.length >= 2 ? payload.readUInt16BE(0) : 1005 };
  }
}

function serverFrame(bytes: Buffer) {
  if (bytes.length < 2) return undefined;
  const opcode = (bytes[0] ?? 0) & 0x0f;
  let length = (bytes[1] ?? 0) & 0x7f;
  let start = 2;
  if (length === 126) {
    if (bytes.length < 4) return undefined;
    length = bytes.readUInt16BE(2);
    start = 4;
  } else if (length === 127) {
    if (bytes.length < 10) return undefined;
    length = Number(bytes.readBigUInt64BE(2));
    start = 10;
  }
  if (bytes.length < start + length) return undefined;
  return { value: { opcode, payload: bytes.subarray(start, start + length) }, length: start + length };
}
