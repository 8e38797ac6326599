import createClient from "openapi-fetch";
import type { components, paths } from "./api.ts";

type Entry = components["schemas"]["Message"] | components["schemas"]["Notice"];

const [url = "http://127.0.0.1:3000", name = "ada"] = process.argv.slice(2);
const chat = createClient<paths>({ baseUrl: url });

/** Registers someone, or logs them in if they have an account. Returns their access token. */
async function enter(email: string, password: string): Promise<string> {
  const { data, error } = await chat.POST("/account/reg", { body: { email, password, password2: password } });
  if (data) return data.access;
  if (error.code !== "email_taken") throw new Error(error.detail);
  const login = await chat.POST("/account/login", { body: { email, password } });
  if (login.error) throw new Error(login.error.detail);
  return login.data.access;
}

const headers = { authorization: `Bearer ${await enter(`${name}@example.com`, "correct horse battery")}` };

// The same clientId is the same message, however often the request is sent.
const message = { content: "Hello from a typed client", clientId: crypto.randomUUID() };
for (const attempt of ["first", "second"]) {
  const { data, response } = await chat.POST("/rooms/{room}/messages", {
    headers,
    params: { path: { room: "lobby" } },
    body: message,
  });
  console.log(`${attempt} attempt: ${response.status}, message ${data?.id}`);
}

const { data: history } = await chat.GET("/history/{room}", {
  headers,
  params: { path: { room: "lobby" }, query: { limit: 5, notices: "" } },
});
const lineOf = (entry: Entry) =>
  "notice" in entry
    ? `${entry.by.username} changed the room: ${entry.notice.type}`
    : `${entry.username}: ${entry.content}`;
for (const entry of history ?? []) console.log(lineOf(entry));

const { data: created, error } = await chat.POST("/rooms", {
  headers,
  body: { title: "Order 7", people: ["@nobody-here"] },
});
if (created) console.log(`created ${created.room}`);
// The type knows which codes this operation has, and every error says whether to try again.
else if (error.code === "invalid") console.log("refused:", error.errors);
else if (error.retryable) console.log(`try again in ${error.retryAfterMs ?? 1000} ms`);
else throw new Error(error.detail);

const order = await chat.POST("/rooms", { headers, body: { title: "Order 7" } });
if (order.data) {
  const { data: room } = await chat.GET("/rooms/{room}", {
    headers,
    params: { path: { room: order.data.room } },
  });
  console.log(`${room?.title} is ${room?.kind}, and ${name} is its ${room?.role}`);
}
