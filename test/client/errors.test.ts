import { expect, test } from "bun:test";
import { createChat } from "../../src/client/index.ts";
import { createRig, jwt, problem } from "./rig.ts";

const TOKEN = jwt("the secret token");

const written = (error: unknown) => JSON.parse(JSON.stringify(error));

test("JSON of a refused change has its code, message, room and wait, and no token", async () => {
  const rig = createRig({ tokens: () => TOKEN });
  const room = rig.chat.room("hall", { history: 0 }).join();
  await rig.settle();
  rig.wire.welcome();
  rig.wire.admit("hall");
  const sent = room.send("Hello").catch((error) => error);
  const { ref } = rig.wire.take("send");
  const refusal = { code: "muted", message: "You are muted.", retryable: false, retryAfterMs: 5_000 };
  rig.wire.say({ type: "error", ref, ...refusal });
  expect(written(await sent)).toEqual({ name: "ChatError", room: "hall", ...refusal });
  rig.wire.say({ type: "left", room: "hall", code: 4503 });
  expect(written(room.snapshot().error)).toMatchObject({ code: "removed", room: "hall" });
});

test("JSON of a refused request has its status and the wrong fields, and no password", async () => {
  const password = "correct horse battery";
  const errors = { email: ["must be an email address"] };
  const rig = createRig({
    http: () =>
      Response.json({ code: "invalid", detail: "Wrong.", retryable: false, errors }, { status: 400 }),
  });
  const error = await rig.chat.login({ email: "ada", password }).catch((thrown) => thrown);
  expect(written(error)).toEqual({
    name: "ChatError",
    code: "invalid",
    message: "Wrong.",
    retryable: false,
    status: 400,
    errors,
  });
});

test("JSON of an ended session has no token", async () => {
  const session = { access: TOKEN, refresh: TOKEN, username: "ada", email: "ada@example.com" };
  const rig = createRig({
    storage: { getItem: () => JSON.stringify(session), setItem() {}, removeItem() {} },
    http: () => problem("session_ended", 401),
  });
  const text = JSON.stringify(await rig.chat.listRooms().catch((error) => error));
  expect(text).toContain('"code":"session_ended"');
  expect(text).not.toContain(TOKEN);
});

/** Acts in a runtime that lacks a global. */
function without(name: string, act: () => void) {
  const original = Object.getOwnPropertyDescriptor(globalThis, name) as PropertyDescriptor;
  Object.defineProperty(globalThis, name, { value: undefined, configurable: true });
  try {
    act();
  } finally {
    Object.defineProperty(globalThis, name, original);
  }
}

test.each(["AbortController", "TextEncoder", "URL", "WebSocket", "fetch"])(
  "createChat reports at once that a runtime has no %s",
  (name) =>
    without(name, () => {
      const error = thrownBy(() => createChat({ url: "https://chat.example.com" }));
      const message = `This runtime has no ${name}. Add it, or pass it to createChat.`;
      expect(written(error)).toMatchObject({ code: "unsupported", message });
    }),
);

test("a server that renders a page with a relative url needs no WebSocket", () =>
  without("WebSocket", () => {
    const { state } = createChat({ url: "/" }).room("hall").snapshot();
    expect(state).toBe("idle");
  }));

function thrownBy(act: () => void): unknown {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error("nothing was thrown");
}

test("a WebSocket class can be passed, and other parts as ports", async () => {
  const opened: string[] = [];
  const chat = createChat({
    url: "https://chat.example.com",
    tokens: () => TOKEN,
    webSocket: class {
      onmessage = null;
      onclose = null;
      onerror = null;
      constructor(url: string) {
        opened.push(url);
      }
      send() {}
      close() {}
    },
  });
  chat.room("hall").join();
  await new Promise<void>((resolve) => setImmediate(resolve));
  expect(opened).toEqual(["wss://chat.example.com/ws/"]);
  await chat.close();
});
