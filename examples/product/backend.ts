import page from "./index.html";
import { keySet, tokenFor } from "./tokens.ts";

const CHAT = process.env.CHAT_URL ?? "http://127.0.0.1:3000";

/** Your product's own data: customers and their orders. */
const CUSTOMERS: Record<string, { readonly name: string; readonly orders: readonly number[] }> = {
  "customer-1": { name: "ada", orders: [7] },
  "customer-2": { name: "ben", orders: [7, 8] },
};

/** Replace this by your own login. Returns the id of the customer who sent the request, or "". */
const customerOf = (request: Bun.BunRequest) => request.cookies.get("customer") ?? "";

/** Posts news about an order as the shop. Idempotent: the same order and news are one message. */
async function postNews(order: string, status: string, news: string): Promise<Response> {
  const token = await tokenFor("shop", "shop", [{ match: "order-*", allow: ["post"] }]);
  return fetch(`${CHAT}/rooms/order-${order}/messages/`, {
    method: "POST",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: JSON.stringify({
      content: news,
      data: { order, status },
      clientId: Bun.randomUUIDv5(`${order} ${news}`, "url"),
    }),
  });
}

const server = Bun.serve({
  port: process.env.PORT ?? 8000,
  development: false,
  routes: {
    "/jwks.json": Response.json(keySet),
    "/login/:customer": (request) => {
      request.cookies.set("customer", request.params.customer);
      return Response.redirect("/", 302);
    },
    "/chat/url": new Response(CHAT),
    "/chat/token": async (request) => {
      const id = customerOf(request);
      const customer = CUSTOMERS[id];
      if (!customer) return new Response("Log in first.", { status: 401 });
      const rooms = customer.orders.map((order) => ({
        match: `order-${order}`,
        allow: ["read", "post"] as const,
      }));
      return new Response(await tokenFor(id, customer.name, rooms));
    },
    "/orders/:order/ship": {
      POST: (request) => postNews(request.params.order, "shipped", "Your order is on its way."),
    },
    "/": page,
  },
});
console.log(`Listening on ${server.url}`);
