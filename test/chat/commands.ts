import type { V1Client } from "../support/client.ts";

// chat.v1 commands on messages, for `ask`. Each gets a new client id unless the caller passes one.

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

/** Posts a message in a room, by default the one of the socket's URL. Returns its id once it is committed. */
export async function post(socket: V1Client, content = "hello", room?: string): Promise<number> {
  const ack = await socket.ask({ type: "send", clientId: uuid(), content, ...(room && { room }) });
  if (ack.type !== "ok") throw new Error(`the post was refused: ${JSON.stringify(ack)}`);
  return Number(ack.id);
}
