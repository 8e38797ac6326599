import { randomBytes } from "node:crypto";
import type { Member } from "./member.ts";
import { OPCODE, readFrames } from "./wire.ts";

const RETRIES = 100;
const RETRY_MS = 100;

export interface Dialler {
  /**
   * Opens the sockets of these members, `parallel` at a time, spread over `overMs`. Resolves when each is live or has
   * failed after 100 retries.
   */
  dial(
    members: readonly Member[],
    parallel: number,
    overMs?: number,
  ): Promise<{ openMs: number; liveMs: number }>;
  /** Marks a member as live. */
  live(member: Member): void;
}

interface DiallerOptions {
  /** Called for each text frame. */
  take(member: Member, bytes: Buffer, from: number, to: number): void;
  ping(member: Member, payload: string): void;
  /** Called after the last frame of a chunk. */
  chunk(member: Member, bytes: number): void;
  drained(member: Member): void;
  problem(text: string): void;
}

/** Performs WebSocket handshakes (RFC 6455, section 4) over plain TCP and reads the frames that follow. */
export function createDialler({ take, ping, chunk, drained, problem }: DiallerOptions): Dialler {
  let reading: Member;
  let bytes: Buffer;
  let opened = () => {};

  const settle = (member: Member) => {
    const { settled } = member;
    member.settled = undefined;
    settled?.();
  };

  const live = (member: Member) => {
    member.state = "live";
    settle(member);
  };

  const onFrame = (opcode: number, from: number, to: number) => {
    if (opcode === OPCODE.text) take(reading, bytes, from, to);
    else if (opcode === OPCODE.ping) ping(reading, bytes.toString("latin1", from, to));
    else if (opcode === OPCODE.close) reading.socket?.end();
  };

  /** Reads the handshake response. Returns the bytes after it, or undefined if it is incomplete or a rejection. */
  const handshake = (member: Member, chunk: Buffer): Buffer | undefined => {
    const all = member.rest ? Buffer.concat([member.rest, chunk]) : chunk;
    const end = all.indexOf("\r\n\r\n");
    member.rest = end < 0 ? all : undefined;
    if (end < 0) return undefined;
    const status = all.toString("latin1", 9, 12);
    if (status !== "101") {
      // 503 means that the server is starting or stopping. No other rejection is worth a retry.
      if (status !== "503")
        problem(`the handshake of ${member.seat.username} was rejected: ${all.toString()}`);
      member.socket?.end();
      return undefined;
    }
    member.state = "open";
    opened();
    // The plain protocol has no frame that announces it.
    if (member.protocol === "plain") live(member);
    return all.subarray(end + 4);
  };

  const handlers: Bun.SocketHandler<Member> = {
    binaryType: "buffer",
    open(socket) {
      const member = socket.data;
      member.socket = socket;
      socket.write(requestOf(member));
    },
    data(socket, fresh) {
      const member = socket.data;
      let part: Buffer | undefined = fresh;
      if (member.state === "opening") part = handshake(member, fresh);
      else if (member.rest) part = Buffer.concat([member.rest, fresh]);
      if (!part) return;
      member.rest = undefined;
      reading = member;
      bytes = part;
      const end = readFrames(part, 0, onFrame);
      if (end < part.length) member.rest = part.subarray(end);
      chunk(member, fresh.length);
    },
    drain(socket) {
      drained(socket.data);
    },
    close(socket) {
      const member = socket.data;
      if (member.socket !== socket && member.socket) return;
      ended(member);
    },
    error() {},
  };

  const ended = (member: Member) => {
    member.state = "closed";
    member.socket = member.rest = member.unsent = undefined;
    settle(member);
  };

  const attempt = (member: Member) =>
    new Promise<void>((resolve) => {
      member.state = "opening";
      member.settled = resolve;
      Bun.connect({ hostname: "127.0.0.1", port: member.port, socket: handlers, data: member }).catch(() =>
        ended(member),
      );
    });

  return {
    live,
    async dial(members, parallel, overMs = 0) {
      const begun = performance.now();
      let openMs = 0;
      opened = () => (openMs = performance.now() - begun);
      let next = 0;
      const worker = async () => {
        for (let member = members[next++]; member; member = members[next++]) {
          const early = (overMs * (next - 1)) / members.length - (performance.now() - begun);
          if (early > 0) await Bun.sleep(early);
          for (let tries = 0; ; tries++) {
            await attempt(member);
            if ((member.state as Member["state"]) === "live" || tries === RETRIES) break;
            await Bun.sleep(RETRY_MS);
          }
        }
      };
      await Promise.all(Array.from({ length: Math.min(parallel, members.length) }, worker));
      return { openMs, liveMs: performance.now() - begun };
    },
  };
}

function requestOf({ seat, protocol, port, epoch, version }: Member): string {
  const since = epoch && version >= 0 ? `?since=${epoch}.${version}` : "";
  const path = seat.room === null ? "/ws/" : `/ws/chat/${seat.room}/${since}`;
  return [
    `GET ${path} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}`,
    ...(protocol === "v1" ? ["Sec-WebSocket-Protocol: chat.v1"] : []),
    `Authorization: Bearer ${seat.token}`,
    "",
    "",
  ].join("\r\n");
}
