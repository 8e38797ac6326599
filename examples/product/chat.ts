import { ORDERS, PEOPLE } from "./shop.ts";
import { tokenFor } from "./tokens.ts";

export const CHAT = process.env.CHAT_URL ?? "http://127.0.0.1:3000";

/** A key of `parley api-key`. Keep it on your backend: whoever has it may do everything in the chat. */
const CHAT_KEY = process.env.CHAT_KEY ?? "";

/** Calls one of the chat's routes for operators. */
const admin = (method: string, path: string, body?: object): Promise<Response> =>
  fetch(`${CHAT}/admin${path}`, {
    method,
    headers: { authorization: `Bearer ${CHAT_KEY}`, "content-type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });

/** Describes a person to the chat, under the id that their tokens have as `sub`. They need not have been there before. */
const introduce = (id: string): Promise<Response> =>
  admin("PUT", `/users/${encodeURIComponent(id)}/`, PEOPLE[id]);

/** Opens the private room of an order. Idempotent: 201 the first time, 200 after that. */
export async function openRoom(order: string): Promise<Response> {
  const people = ORDERS[order] ?? [];
  for (const id of people) await introduce(id);
  return admin("POST", "/rooms/", {
    room: `order-${order}`,
    kind: "private",
    title: `Order ${order}`,
    people,
    clientId: Bun.randomUUIDv5(`room of ${order}`, "url"),
  });
}

/** Lets support into the room of an order, or takes them out again. */
export async function setSupport(order: string, on: boolean): Promise<Response> {
  const member = `/rooms/order-${order}/members/support/`;
  if (!on) return admin("DELETE", member);
  await introduce("support");
  return admin("PUT", member, {});
}

/** Posts news about an order in the name of the chat's server. Idempotent: the same order and news are one message. */
export const postNews = (order: string, status: string, news: string): Promise<Response> =>
  admin("POST", `/rooms/order-${order}/messages/`, {
    content: news,
    data: { order, status },
    clientId: Bun.randomUUIDv5(`${order} ${news}`, "url"),
  });

/** Closes the conversation about an order: its members may read it, and nobody may write. */
export const closeRoom = (order: string): Promise<Response> =>
  admin("PATCH", `/rooms/order-${order}/`, { archived: true });

/** Returns the reports that nobody has dealt with, each with the message as it was. */
export const openReports = (): Promise<Response> => admin("GET", "/reports/");

/** Deletes a message that was reported, and says so in the report. */
export async function removeReported(report: string, room: string, message: string): Promise<Response> {
  await admin("DELETE", `/rooms/${encodeURIComponent(room)}/messages/${message}/?reason=report`);
  return admin("PATCH", `/reports/${report}/`, { resolution: "The message was deleted." });
}

/** Takes a person out of the chat for good: their account, and then all that they wrote. Repeat it until it is 200. */
export async function erase(id: string): Promise<Response> {
  const token = await tokenFor(id, PEOPLE[id]);
  const headers = { authorization: `Bearer ${token}` };
  const account = await fetch(`${CHAT}/account/me/`, { method: "DELETE", headers });
  if (!account.ok && account.status !== 401) return account; // 401: it is deleted already
  for (;;) {
    const purge = await admin("POST", `/users/${encodeURIComponent(id)}/purge/`);
    const { more } = await purge.clone().json();
    if (!more) return purge;
  }
}
