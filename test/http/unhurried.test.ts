import { expect, test } from "bun:test";
import type { Auth } from "../../src/auth/auth.ts";
import type { Chat } from "../../src/chat/chat.ts";
import { createDispatch } from "../../src/dispatch.ts";
import { Refusal } from "../../src/errors.ts";
import type { Files } from "../../src/files/files.ts";
import { createApp } from "../../src/http/app.ts";
import type { Bodies } from "../../src/http/body.ts";
import { fileRoutes } from "../../src/http/files.ts";
import { handClock } from "../support/hand-clock.ts";
import { unlimited } from "../support/stubs.ts";

// A connection without a time limit stayed open for ever after an upload, however idle it was.

const file = { id: "i", name: "n", type: "t", size: 1, hash: "", picture: null, sizes: {} };

test.each([
  ["succeeds", 201, async () => ({ file, isNew: true })],
  ["fails", 409, () => Promise.reject(new Refusal("quota_exceeded"))],
])(
  "an upload that %s has no time limit while it runs, and its connection has one afterwards",
  async (_, status, upload) => {
    const limits: number[] = [];
    const auth = { knows: () => true, authenticate: async () => ({ userId: 1 }) };
    const chat = { enter: async () => ({ room: "den" }) };
    const files = { upload: () => (expect(limits).toEqual([0]), upload()) };
    const app = createApp({
      config: { ALLOWED_ORIGINS: ["*"], TRUST_PROXY: 0 },
      auth: auth as unknown as Auth,
      bodies: {} as Bodies,
      budgets: unlimited,
      faulted() {},
      routes: [
        fileRoutes({
          auth: auth as unknown as Auth,
          chat: chat as unknown as Chat,
          files: files as unknown as Files,
        }),
      ],
    });
    const handle = createDispatch({
      clock: handClock().clock,
      trustProxy: 0,
      inspect() {},
      page: () => undefined,
      upgrade: async () => undefined,
      api: (request, address, unhurried) => app.fetch(request, { address, unhurried }),
    });
    const server = {
      requestIP: () => ({ address: "192.0.2.1" }),
      timeout: (_: Request, seconds: number) => void limits.push(seconds),
    };
    const request = new Request(`http://localhost/rooms/den/files/${crypto.randomUUID()}/`, {
      method: "PUT",
      headers: { authorization: "Bearer token" },
      body: "x",
    });
    const response = await handle(request, server as unknown as Parameters<typeof handle>[1]);
    expect(response?.status).toBe(status);
    expect(limits).toEqual([0, 120]);
  },
);
