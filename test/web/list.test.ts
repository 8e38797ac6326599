import { expect, test } from "bun:test";
import { type Chat, ChatError } from "../../src/client/index.ts";
import { createRooms } from "../../src/web/rooms.ts";
import { until } from "../support/until.ts";

test("a list of rooms that the server refused is requested again when the server says", async () => {
  let requests = 0;
  const refusal = new ChatError("rate_limited", "Too many requests.", { retryable: true, retryAfterMs: 5 });
  const chat = {
    snapshot: () => ({ account: { username: "ada", email: "ada@example.com" } }),
    on: () => () => {},
    async rooms() {
      if (++requests < 3) throw refusal;
      return { rooms: [] };
    },
  } as unknown as Chat;
  const rooms = createRooms(chat, () => {});
  await until(() => rooms.snapshot().loaded);
  expect(requests).toBe(3);
});
