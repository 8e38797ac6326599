import {
  CHAT,
  closeRoom,
  erase,
  openReports,
  openRoom,
  postNews,
  removeReported,
  setSupport,
} from "./chat.ts";
import page from "./index.html";
import { PEOPLE, personOf } from "./shop.ts";
import { keySet, tokenFor } from "./tokens.ts";

const server = Bun.serve({
  port: process.env.PORT ?? 8000,
  development: false,
  routes: {
    "/": page,
    "/login/:person": (request) => {
      request.cookies.set("person", request.params.person);
      return Response.redirect("/", 302);
    },
    "/jwks.json": Response.json(keySet),
    "/chat/url": new Response(CHAT),
    "/chat/token": async (request) => {
      const id = personOf(request);
      if (!PEOPLE[id]) return new Response("Log in first.", { status: 401 });
      return new Response(await tokenFor(id, PEOPLE[id]));
    },

    // What happens in your product. Your own code calls the functions, or checks who calls these addresses.
    "/orders/:order": { POST: ({ params }) => openRoom(params.order) },
    "/orders/:order/support": {
      PUT: ({ params }) => setSupport(params.order, true),
      DELETE: ({ params }) => setSupport(params.order, false),
    },
    "/orders/:order/ship": {
      POST: ({ params }) => postNews(params.order, "shipped", "Your order is on its way."),
    },
    "/orders/:order/close": { POST: ({ params }) => closeRoom(params.order) },
    "/reports": { GET: () => openReports() },
    "/reports/:report/:room/:message": {
      DELETE: ({ params }) => removeReported(params.report, params.room, params.message),
    },
    "/people/:person": { DELETE: ({ params }) => erase(params.person) },
  },
});
console.log(`Listening on ${server.url}`);
