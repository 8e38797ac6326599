/** Fills a room with `count` messages, spread over the owners of these tokens, as fast as the server accepts them. */
export async function fill(
  server: { readonly wsUrl: string },
  room: string,
  tokens: readonly string[],
  count: number,
): Promise<void> {
  const each = tokens.map((token, at) =>
    pour(server.wsUrl, room, token, Math.ceil((count - at) / tokens.length)),
  );
  await Promise.all(each);
}

const WINDOW = 200;

async function pour(url: string, room: string, token: string, count: number): Promise<void> {
  const socket = new WebSocket(`${url}/ws/`, ["chat.v1", `bearer.${token}`]);
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let sent = 0;
  let acked = 0;
  const send = () => {
    for (; sent < count && sent - acked < WINDOW; sent++) {
      const content = `Message ${sent}, ${"which says a little more ".repeat(sent % 5)}and ends.`;
      socket.send(JSON.stringify({ type: "send", ref: sent, room, clientId: crypto.randomUUID(), content }));
    }
  };
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(String(data)) as { type: string; message?: string };
    if (frame.type === "error") return reject(new Error(frame.message));
    if (frame.type === "ok" && ++acked === count) return resolve();
    send();
  };
  socket.onclose = ({ code }) => reject(new Error(`closed with ${code}`));
  return promise.finally(() => {
    socket.onclose = null;
    socket.close();
  });
}
