import {
  afterAll,
  afterEach,
  beforeAll,
  beforeEach,
  describe,
  expect,
  setDefaultTimeout,
  test,
} from "bun:test";
import { type Chat, createChat, type Room } from "../../src/client/index.ts";
import { START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { type Proxy, startProxy } from "../support/proxy.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(2 * START_MS);

// Large files: a real server, and a proxy that cuts the connections of an upload.

const MIB = 1024 * 1024;
const SIZE = 51 * MIB;
const film = new Uint8Array(SIZE);
for (let at = 0; at < SIZE; at += 4_096) film[at] = (at / 4_096) % 251;

let server: TestServer;
let ada: Person;
let proxy: Proxy;
let chat: Chat;
let room: Room;
/** The requests of the upload so far, with the offsets of the parts. */
let seen: string[];
let rooms = 0;

beforeAll(async () => {
  server = await startTestServer({ FILE_MAX: "60MiB", BUDGETS: "0" });
  ada = await register(server, "ada");
}, START_MS);
afterAll(() => server.stop());
beforeEach(async () => {
  seen = [];
  proxy = startProxy(server.port);
  proxy.up = note;
  chat = createChat({ url: proxy.url, tokens: () => ada.token, ports: { random: () => 0.02 } });
  room = chat.room(`films-${++rooms}`).join();
  await room.send("Here it comes");
});
afterEach(async () => {
  await chat.close();
  proxy.stop();
});

const note: Proxy["up"] = (text) => {
  const [, method, path = ""] = /^(POST|PATCH|GET|DELETE) (\S+)/.exec(text) ?? [];
  const [, offset] = /\r\nupload-offset: (\d+)/i.exec(text) ?? [];
  if (method && path.includes("/files/")) seen.push(offset === undefined ? method : `${method} ${offset}`);
  return "pass";
};
const offsets = () => seen.flatMap((request) => /^PATCH (\d+)/.exec(request)?.[1] ?? []).map(Number);
/** The bytes that the server has. */
async function content(id: string): Promise<Uint8Array> {
  const original = (await room.files([id])).get(id)?.original ?? "";
  return (await fetch(original.replace(proxy.url, server.url))).bytes();
}

describe("an upload of a large file", () => {
  test("continues where it was cut off", async () => {
    let passed = 0;
    let isCut = false;
    proxy.up = (text, size) => {
      note(text, size);
      passed += size;
      if (isCut || passed < 20 * MIB) return "pass";
      isCut = true;
      return "cut";
    };
    const loaded: number[] = [];
    const file = new File([film], "film.bin");
    const stored = await room.upload(file, { onProgress: (progress) => loaded.push(progress.loaded) });

    expect(stored).toMatchObject({ name: "film.bin", size: SIZE });
    expect(isCut).toBe(true);
    // Less than a part was sent twice.
    expect(passed).toBeLessThan(SIZE + 9 * MIB);
    const [first, second, third, fourth = 0, ...more] = offsets();
    expect([first, second, third]).toEqual([0, 8 * MIB, 16 * MIB]);
    expect(fourth).toBeGreaterThanOrEqual(16 * MIB);
    expect(more).toEqual([1, 2, 3, 4].map((n) => fourth + n * 8 * MIB).filter((offset) => offset < SIZE));
    expect(loaded.at(-1)).toBe(SIZE);
    expect(Bun.hash(await content(stored.id))).toBe(Bun.hash(film));
  });

  test("is complete although the last response was lost", async () => {
    let responses = 0;
    proxy.down = (text) => (/^HTTP\/1.1 204/.test(text) && ++responses === 7 ? "cut" : "pass");
    const { id } = await room.upload(new Blob([film]), { name: "film.bin" });
    expect(offsets()).toEqual([0, 1, 2, 3, 4, 5, 6].map((n) => n * 8 * MIB));
    expect(seen.slice(-2)).toEqual(["POST", "GET"]);
    await room.send("", { files: [{ id }] });
  });

  test("continues with the same clientId after it was given up", async () => {
    const clientId = crypto.randomUUID();
    const control = new AbortController();
    proxy.up = (text, size) => {
      if (/upload-offset: 8388608\r\n/i.test(text)) control.abort(new Error("later"));
      return note(text, size);
    };
    const uploading = room.upload(new Blob([film]), { clientId, signal: control.signal });
    expect(await uploading.catch((error: Error) => error.message)).toBe("later");
    seen = [];
    proxy.up = note;
    const { size } = await room.upload(new Blob([film]), { clientId });
    expect(size).toBe(SIZE);
    expect(offsets()[0]).toBeGreaterThanOrEqual(8 * MIB);
  });

  test("does not stay on the server if it is given up for good", async () => {
    const sent = room.send("", { files: [new File([film], "film.bin")] });
    await until(() => offsets().length > 1);
    const [waiting] = room.snapshot().waiting;
    expect(room.withdraw(waiting?.clientId ?? "")).toBe(true);
    expect(await sent.catch(({ code }) => code)).toBe("withdrawn");
    await until(() => seen.includes("DELETE"));
  });
});
