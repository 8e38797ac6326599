import type { Chat } from "../client/index.ts";

/** Loads whom each signed-in person blocks, so that rooms know whose messages to fold. */
export function foldBlocked(chat: Chat): void {
  let loaded = false;
  chat.on("session", () => void (loaded = false));
  chat.on("connection", ({ state }) => {
    if (state !== "open" || loaded) return;
    loaded = true;
    chat.blocks.load().catch(() => (loaded = false));
  });
}
