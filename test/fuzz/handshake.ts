import type { Random } from "./random.ts";
import { worstTexts } from "../support/worst.ts";
import { openRawSocket } from "./socket.ts";

const PATHS = [
  "/ws/",
  "/ws",
  "/ws/chat/",
  "/ws/chat/a/",
  "/ws/chat/a/b/",
  "/ws/chat/%/",
  "/ws/chat/%ff/",
  "/ws/chat/.a/",
];
const PROTOCOLS = [
  "",
  "chat.v1",
  "chat.v1,",
  "chat.v1, bearer.",
  "bearer.x, chat.v1",
  ",,,",
  "chat.v2",
  "chat.v1, chat.v1",
];
const SINCES = ["", "0", ".", "e.-1", "e.99999999999999999", "e.1", "é.1", "%00.1", "a.b.c.1"];

const WORST = worstTexts(1_000).map(([, text]) => text.toWellFormed());

/** Sends a malformed handshake. Returns what is wrong with the response, or undefined if it is fine. */
export async function knock(random: Random, port: number, token: string): Promise<string | undefined> {
  const some = (share: number, text: string) => (random.chance(share) ? text : "");
  const noise = random.bytes(random.below(40));
  const query = [
    some(0.5, `since=${encodeURIComponent(random.pick(SINCES))}`),
    some(0.3, `token=${random.pick([token, token.slice(1), `${token}x`, noise.toString("base64url"), ""])}`),
    some(0.1, `${encodeURIComponent(noise.toString("latin1"))}=${"x".repeat(random.below(3_000))}`),
  ];
  const path = random.chance(0.1)
    ? `/ws/chat/${encodeURIComponent(random.pick(WORST))}/`
    : random.chance(0.3)
      ? `/ws/chat/${encodeURIComponent(noise.toString())}/`
      : random.pick(PATHS);
  const headers: Record<string, string> = {};
  if (random.chance(0.6)) headers["Sec-WebSocket-Protocol"] = random.pick(PROTOCOLS);
  if (random.chance(0.3))
    headers.Authorization = random.pick(["Bearer", `Bearer ${token.slice(0, -3)}`, "Basic eA=="]);
  if (random.chance(0.1)) headers["Sec-WebSocket-Key"] = random.pick(["", "x", "x".repeat(200)]);
  if (random.chance(0.1)) headers["Sec-WebSocket-Version"] = random.pick(["", "12", "x"]);
  if (random.chance(0.1)) headers.Upgrade = random.pick(["", "h2c", "WebSocket, x"]);
  const address = `${path}?${query.filter(Boolean).join("&")}`;
  const socket = await openRawSocket({ port, path: address, headers, received() {}, ended() {} });
  const status = await Promise.race([socket.status, Bun.sleep(10_000).then(() => -1)]);
  socket.cut();
  // 0 means that the runtime cut a connection that it could not parse.
  return status === 0 || status === 101 || (status >= 400 && status < 500)
    ? undefined
    : `the handshake for ${address} got status ${status}`;
}
