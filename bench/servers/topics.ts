/** Data attached to each socket of the two small servers. */
export interface SocketData {
  readonly room: string | null;
  readonly plain: boolean;
  readonly username: string;
}

export interface Posted {
  readonly room: string;
  readonly id: number;
  readonly username: string;
  readonly content: string;
  readonly clientId: string;
  readonly timestamp: string;
}

interface TopicsOptions {
  readonly port: number;
  /** Called for each message. `done` acknowledges and publishes it. */
  post(message: Omit<Posted, "id" | "timestamp">, done: (posted: Posted) => void): void;
  /** Returns the last id of a room. */
  version(room: string): number;
}

const topicOf = (plain: boolean, room: string) => `${plain ? "plain" : "v1"}:${room}`;

/**
 * Starts a chat server on Bun's sockets and topics alone: no tokens, no limits, no resume. Its frames have the same
 * fields as Parley's, so that both write the same bytes and one client reads both. The servers built on it differ only
 * in `post` and `version`.
 */
export function serveTopics({ port, post, version }: TopicsOptions): void {
  const server: Bun.Server<SocketData> = Bun.serve<SocketData>({
    hostname: "127.0.0.1",
    port,
    reusePort: false,
    development: false,
    fetch(request) {
      const room = /^\/ws\/chat\/([^/]+)\//.exec(new URL(request.url).pathname)?.[1] ?? null;
      const plain = !request.headers.get("sec-websocket-protocol");
      const username = request.headers.get("authorization")?.slice("Bearer ".length) ?? "";
      const headers = new Headers(plain ? {} : { "sec-websocket-protocol": "chat.v1" });
      return server.upgrade(request, { data: { room, plain, username }, headers })
        ? undefined
        : new Response("ready");
    },
    websocket: {
      perMessageDeflate: false,
      idleTimeout: 120,
      sendPings: true,
      backpressureLimit: 1024 * 1024,
      closeOnBackpressureLimit: true,
      open(ws) {
        const { room, plain } = ws.data;
        if (!plain) ws.send(JSON.stringify({ type: "welcome" }));
        if (room === null) return;
        ws.subscribe(topicOf(plain, room));
        if (plain) return;
        const at = version(room);
        ws.send(
          JSON.stringify({
            type: "joined",
            room,
            epoch: "",
            version: at,
            resumed: at > 0,
            online: 0,
            people: [],
          }),
        );
        ws.send(JSON.stringify({ type: "synced", room, version: at }));
      },
      message(ws, frame) {
        const { room, plain, username } = ws.data;
        const command = JSON.parse(frame as string);
        if (room === null) return;
        const content = plain ? command.message : command.content;
        post({ room, username, content, clientId: command.clientId }, (posted) => {
          const { id, timestamp } = posted;
          if (!plain) ws.send(JSON.stringify({ type: "ok", ref: command.ref, id, version: id, timestamp }));
          server.publish(topicOf(plain, room), plain ? plainFrame(posted) : v1Frame(posted), false);
        });
      },
    },
  });
}

const v1Frame = ({ room, id, username, content, timestamp, clientId }: Posted) =>
  JSON.stringify({
    type: "message",
    room,
    change: "created",
    prev: id - 1,
    id,
    version: id,
    username,
    content,
    timestamp,
    clientId,
  });

const plainFrame = ({ room, id, username, content, timestamp, clientId }: Posted) =>
  JSON.stringify({ id, room, username, message: content, timestamp, clientId });
