import { expect, test } from "bun:test";
import type { Chat, Pages } from "../../src/client/index.ts";
import { createRig, json, jwt } from "./rig.ts";

// Lists whose code is loaded when they are first used.

const LISTS: Readonly<Record<string, (chat: Chat) => Pick<Pages<unknown>, "load" | "snapshot">>> = {
  "chat.blocks": (chat) => chat.blocks,
  "chat.mentions": (chat) => chat.mentions,
  "chat.saved": (chat) => chat.saved,
  "chat.sessions": (chat) => chat.sessions,
  "chat.threads": (chat) => chat.threads,
  "room.bans": (chat) => chat.room("hall").bans,
  "room.invitations": (chat) => chat.room("hall").invitations,
  "room.members": (chat) => chat.room("hall").members,
  "room.pins": (chat) => chat.room("hall").pins,
  "room.reports": (chat) => chat.room("hall").reports,
};

test.each(Object.keys(LISTS))("%s is one list, whenever it is called", async (name) => {
  const { chat, requests } = createRig({ tokens: () => jwt("token"), http: () => json([]) });
  const list = LISTS[name]?.(chat);
  await Promise.all([list?.load(), list?.load()]);
  await list?.load();
  expect(list?.snapshot()).toEqual({ items: [], more: false, error: undefined });
  // The first call loads all that there is.
  expect(requests).toHaveLength(1);
});
