import { expect, test } from "bun:test";
import type { Chat, Pages } from "../../src/client/index.ts";
import { createRig, json, jwt, problem } from "./rig.ts";

// Lists whose code is loaded when they are first used.

const LISTS: Readonly<
  Record<string, (chat: Chat) => Pick<Pages<unknown>, "load" | "snapshot" | "subscribe">>
> = {
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

test.each(["chat.mentions", "chat.threads"])(
  "%s is loaded again after the server was too busy for it",
  async (name) => {
    const answers = [json([]), json([]), problem("busy", 503, true), json([]), json([])];
    const rig = createRig({
      tokens: () => jwt("token"),
      http: ({ path }) => (/^\/(mentions|threads)\//.test(path) ? (answers.shift() as Response) : json([])),
    });
    const list = LISTS[name]?.(rig.chat);
    rig.chat.connect();
    await rig.settle();
    rig.wire.welcome();
    await list?.load();
    list?.subscribe(() => {});
    await rig.settle();
    rig.wire.say({ type: "activity", room: "hall", id: 1 });
    await rig.pass(1_000);
    expect(list?.snapshot().error).toMatchObject({ code: "busy" });
    await rig.pass(5_000);
    expect(list?.snapshot().error).toBeUndefined();
    // Then it rests.
    await rig.pass(60_000);
    expect(answers).toHaveLength(1);
  },
);
