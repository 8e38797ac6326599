import type { V1Client } from "../support/client.ts";

// What someone does to messages over chat.v1, as commands for `ask`; each has a client id of its own unless it is given one.

const uuid = () => crypto.randomUUID();

export const edit = (id: unknown, content: unknown, clientId: unknown = uuid()) => ({
  type: "edit",
  clientId,
  id,
  content,
});
export const remove = (id: unknown, clientId: unknown = uuid()) => ({ type: "delete", clientId, id });
export const react = (id: unknown, emoji: unknown, on: unknown = true, clientId: unknown = uuid()) => ({
  type: "react",
  clientId,
  id,
  emoji,
  on,
});

/** Posts a message in a room, or in that of the socket's URL; answers its id once it is committed. */
export async function post(socket: V1Client, content = "hello", room?: string): Promise<number> {
  const ack = await socket.ask({ type: "send", clientId: uuid(), content, ...(room && { room }) });
  if (ack.type !== "ok") throw new Error(`not posted: ${JSON.stringify(ack)}`);
  return Number(ack.id);
}
