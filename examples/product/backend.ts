import page from "./index.html";
import { keySet, tokenFor } from "./tokens.ts";

const CHAT = process.env.CHAT_URL ?? "http://127.0.0.1:3000";

/** A key of `parley api-key`. Keep it on your backend: whoever has it may do everything in the chat. */
const CHAT_KEY = process.env.CHAT_KEY ?? "";

/** Your product's own data: people, and orders with a buyer and a seller. */
const PEOPLE: Record<string, string> = { buyer: "ada", seller: "ben", support: "sue" };
const ORDERS: Record<string, readonly string[]> = { "7": ["buyer", "seller"], "8": ["seller"] };

/** Replace this by your own login. Returns the id of the person who sent the request, or "". */
const personOf = (request: Bun.BunRequest) => request.cookies.get("person") ?? "";

/** Calls one of the chat's routes for operators. */
const admin = (method: string, path: string, body?: object): Promise<Response> =>
  fetch(`${CHAT}/admin${path}`, {
    method,
    headers: { authorization: `Bearer ${CHAT_KEY}`, "content-type": "application/json" },
    ...(body && { body: JSON.stringify(body) }),
  });

/** Opens the private room of an order. Idempotent: 201 the first time, 200 after that. */
async function openRoom(order: string): Promise<Response> {
  const people = ORDERS[order] ?? [];
  for (const id of people) await admin("PUT", `/users/${id}/`, { name: PEOPLE[id] });
  return admin("POST", "/rooms/", {
    room: `order-${order}`,
    kind: "private",
    title: `Order ${order}`,
    people,
    clientId: Bun.randomUUIDv5(`room of ${order}`, "url"),
  });
}

/** Lets support into the room of an order, or takes them out again. */
async function setSupport(order: string, on: boolean): Promise<Response> {
  const member = `/rooms/order-${order}/members/support/`;
  if (!on) return admin("DELETE", member);
  await admin("PUT", "/users/support/", { name: PEOPLE.support });
  return admin("PUT", member, {});
}

/** Posts news about an order in the name of the chat's server. Idempotent: the same order and news are one message. */
const postNews = (order: string, status: string, news: string): Promise<Response> =>
  admin("POST", `/rooms/order-${order}/messages/`, {
    content: news,
    data: { order, status },
    clientId: Bun.randomUUIDv5(`${order} ${news}`, "url"),
  });

const server = Bun.serve({
  port: process.env.PORT ?? 8000,
  development: false,
  routes: {
    "/jwks.json": Response.json(keySet),
    "/login/:person": (request) => {
      request.cookies.set("person", request.params.person);
      return Response.redirect("/", 302);
    },
    "/chat/url": new Response(CHAT),
    "/chat/token": async (request) => {
      const id = personOf(request);
      const name = PEOPLE[id];
      if (name === undefined) return new Response("Log in first.", { status: 401 });
      return new Response(await tokenFor(id, name));
    },
    "/orders/:order": { POST: (request) => openRoom(request.params.order) },
    "/orders/:order/support": {
      PUT: (request) => setSupport(request.params.order, true),
      DELETE: (request) => setSupport(request.params.order, false),
    },
    "/orders/:order/ship": {
      POST: (request) => postNews(request.params.order, "shipped", "Your order is on its way."),
    },
    "/": page,
  },
});
console.log(`Listening on ${server.url}`);
