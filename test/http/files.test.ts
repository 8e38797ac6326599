import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { Attachment } from "../../src/chat/change.ts";
import { api } from "../support/api.ts";
import { startBucket } from "../support/bucket.ts";
import { connect, connectPlain } from "../support/client.ts";
import { postgresDatabase } from "../support/database.ts";
import { memoryFolder } from "../support/folder.ts";
import { type House, ownHouse, START_MS } from "../support/house.ts";
import { needs } from "../support/needs.ts";
import { type Person, register } from "../support/people.ts";
import { png, sidewaysJpeg } from "../support/pictures.ts";
import { startTestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(20_000);

// Files in conversations as people use them: upload, send, see, load, and lose the right to.

let at: House;
let room: string;

beforeAll(async () => {
  at = await ownHouse();
}, START_MS);
afterAll(() => at.server.stop());
beforeEach(async () => {
  room = `r-${crypto.randomUUID()}`;
  await say(at.ada, { content: "hello" });
});

interface Shown {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly width?: number;
}
interface Offered {
  readonly id: string;
  readonly endsAt: string;
  readonly urls: { readonly original: string; readonly preview?: string; readonly large?: string };
}

const say = (
  person: Person,
  message: { content: string; files?: readonly Attachment[]; clientId?: string },
) => api(at.server, `POST /rooms/${room}/messages/`, { token: person.token, body: message });

interface Upload {
  readonly clientId?: string;
  readonly name?: string;
  readonly into?: string;
}
const put = (
  person: Person,
  body: BodyInit,
  { clientId = crypto.randomUUID(), name = "a", into = room }: Upload = {},
) =>
  fetch(`${at.server.url}/rooms/${into}/files/${clientId}/?name=${encodeURIComponent(name)}`, {
    method: "PUT",
    headers: { authorization: `Bearer ${person.token}` },
    body,
  });
const uploaded = async (person: Person, body: BodyInit, more: Upload = {}) => {
  const response = await put(person, body, more);
  expect(response.status).toBe(201);
  return (await response.json()) as Shown;
};
const offered = async (person: Person, ...ids: readonly string[]) => {
  const { status, body } = await api(at.server, `GET /rooms/${room}/files/?ids=${ids.join()}`, {
    token: person.token,
  });
  return status === 200 ? (body as Offered[]) : status;
};
const original = async (person: Person, id: string) => {
  const [found] = (await offered(person, id)) as Offered[];
  return at.server.url + found?.urls.original;
};
const codeOf = async (response: Response) => ((await response.json()) as { code: string }).code;

describe("an upload", () => {
  test("is stored once; a repeat gets the same file, and other bytes are refused", async () => {
    const key = { clientId: crypto.randomUUID(), name: "../é\u202E.txt" };
    const first = await uploaded(at.ada, "hello", key);
    expect(first).toEqual({ id: first.id, name: "é.txt", type: "text/plain", size: 5 });
    const again = await put(at.ada, "hello", key);
    expect([again.status, await again.json()]).toEqual([200, first]);
    const other = await put(at.ada, "jello", key);
    expect([other.status, await codeOf(other)]).toEqual([409, "client_id_reused"]);
    // The same clientId of somebody else is another upload.
    expect((await uploaded(at.ben, "jello", key)).id).not.toBe(first.id);
  });

  test("of 20 MB passes through without being held in memory, and arrives unchanged", async () => {
    const part = crypto.getRandomValues(new Uint8Array(64 * 1024));
    const hash = createHash("sha256");
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent === 320) return controller.close();
        part[0] = sent++;
        hash.update(part);
        controller.enqueue(part.slice());
      },
    });
    const { id, size } = await uploaded(at.ada, body);
    expect(size).toBe(320 * part.length);
    const loaded = await (await fetch(await original(at.ada, id))).bytes();
    expect(createHash("sha256").update(loaded).digest("hex")).toBe(hash.digest("hex"));
  });

  test("needs a right to post, a room that is there, and a valid key", async () => {
    const answers = [
      await put(at.ada, "x", { clientId: "1" }),
      await put(at.ada, "x", { into: "nowhere" }),
      await put(at.ada, "x", { into: `~${"a".repeat(26)}` }),
      await put({ ...at.ada, token: "nobody" }, "x"),
    ];
    expect(await Promise.all(answers.map(async (one) => [one.status, await codeOf(one)]))).toEqual([
      [400, "invalid"],
      [404, "not_found"],
      [404, "not_found"],
      [401, "token_invalid"],
    ]);
  });

  test("may be larger than other bodies, which have their limit still", async () => {
    expect((await put(at.ada, "x".repeat(100_000))).status).toBe(201);
    const large = await fetch(`${at.server.url}/rooms/${room}/messages/`, {
      method: "POST",
      headers: { authorization: `Bearer ${at.ada.token}`, "content-type": "application/json" },
      body: JSON.stringify({ content: "x".repeat(100_000) }),
    });
    expect(large.status).toBe(413);
  });
});

describe("a message with files", () => {
  test("is delivered on every transport with what a client needs before it loads them", async () => {
    const reader = await connect(at.server, { room, token: at.ben.token });
    const plain = await connectPlain(at.server, { room, token: at.ben.token });
    const sender = await connect(at.server, { room, token: at.ada.token });
    await Promise.all([reader.next("synced"), sender.next("synced")]);
    const one = await uploaded(at.ada, await sidewaysJpeg(1000, 800), { name: "us.jpg" });
    const two = await uploaded(at.ada, "notes", { name: "notes.txt" });
    const files = [{ id: one.id, alt: "The two of us" }, { id: two.id }];
    const reply = await sender.ask({ type: "send", clientId: crypto.randomUUID(), content: "Look", files });
    expect(reply.type).toBe("ok");
    const shown = [{ ...one, alt: "The two of us" }, two];
    expect(one).toMatchObject({ type: "image/jpeg", width: 800, height: 1000 });
    expect(await reader.next("message")).toMatchObject({ content: "Look", files: shown });
    const link = `https://chat.example.com/#/room/${room}/${reply.id}`;
    expect((await plain.next("message")).message).toBe(`Look\nus.jpg, notes.txt: ${link}`);
    const page = await api(at.server, `GET /history/${room}/`, { token: at.ben.token });
    expect((page.body as object[]).at(-1)).toMatchObject({ files: shown });
    // A reader who comes later gets them with the replay.
    const late = await connect(at.server, { token: at.cy.token });
    const read = await late.ask({ type: "join", room }).then(() => late.ask({ type: "history", room }));
    expect((read.messages as object[]).at(-1)).toMatchObject({ files: shown });
    for (const client of [reader, plain, sender, late]) client.close();
  });

  test("needs no text, and the list of rooms says how many files it has", async () => {
    const { id } = await uploaded(at.ada, "x");
    expect((await say(at.ada, { content: "", files: [{ id }] })).status).toBe(201);
    const { body } = await api(at.server, `GET /rooms/${room}/`, { token: at.ada.token });
    expect((body as { last: object }).last).toMatchObject({ content: "", files: 1 });
    expect((await say(at.ada, { content: "" })).body).toMatchObject({
      errors: { content: ["must not be blank"] },
    });
    expect((await say(at.ada, { content: "", files: [] })).body).toMatchObject({
      errors: { files: ["must not be empty"] },
    });
  });

  test("takes each file once, at most ten, and none of others", async () => {
    const { id } = await uploaded(at.ada, "x");
    const foreign = await uploaded(at.ben, "x");
    const codes = async (...files: readonly Attachment[]) =>
      ((await say(at.ada, { content: "x", files })).body as { code?: string }).code;
    expect(await codes({ id }, { id })).toBe("invalid");
    expect(await codes(...Array.from({ length: 11 }, () => ({ id: crypto.randomUUID() })))).toBe("invalid");
    expect(await codes({ id: foreign.id })).toBe("file_missing");
    expect(await codes({ id }, { id: crypto.randomUUID() })).toBe("file_missing");
    expect(await codes({ id })).toBeUndefined();
    expect(await codes({ id })).toBe("file_missing");
  });

  test("is idempotent: a resend gets the first ack, although its files are taken", async () => {
    const { id } = await uploaded(at.ada, "x");
    const message = { content: "", files: [{ id }], clientId: crypto.randomUUID() };
    const first = await say(at.ada, message);
    const again = await say(at.ada, message);
    expect([first.status, again.status]).toEqual([201, 200]);
    expect(again.body).toEqual({ ...(first.body as object), duplicate: true });
  });
});

describe("a file", () => {
  test("is loaded with ranges and conditions, and a browser runs nothing of it", async () => {
    const text = "<script>alert(1)</script>";
    const { id } = await uploaded(at.ada, text, { name: "naïve.html" });
    const address = await original(at.ada, id);
    const load = (headers: Record<string, string> = {}, method = "GET") =>
      fetch(address, { method, headers });
    const whole = await load();
    expect(Object.fromEntries(whole.headers)).toMatchObject({
      "content-type": "text/plain",
      "content-disposition": `attachment; filename="na_ve.html"; filename*=UTF-8''na%C3%AFve.html`,
      "content-security-policy": "default-src 'none'; sandbox",
      "x-content-type-options": "nosniff",
      "accept-ranges": "bytes",
      "content-length": String(text.length),
    });
    expect(whole.headers.get("cache-control")).toMatch(/^private, max-age=[1-9]\d{1,2}, immutable$/);
    expect(await whole.text()).toBe(text);
    const etag = whole.headers.get("etag") ?? "";
    const part = await load({ range: "bytes=1-6" });
    expect([part.status, part.headers.get("content-range"), await part.text()]).toEqual([
      206,
      `bytes 1-6/${text.length}`,
      "script",
    ]);
    const same = await load({ range: "bytes=1-6", "if-range": etag });
    expect([same.status, await same.text()]).toEqual([206, "script"]);
    const changed = await load({ range: "bytes=1-6", "if-range": '"other"' });
    expect([changed.status, await changed.text()]).toEqual([200, text]);
    const beyond = await load({ range: "bytes=99-" });
    expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, `bytes */${text.length}`]);
    expect((await load({ "if-none-match": etag })).status).toBe(304);
    const head = await load({}, "HEAD");
    expect([head.status, head.headers.get("content-length"), await head.text()]).toEqual([
      200,
      String(text.length),
      "",
    ]);
  });

  test("that is a picture is shown only as the server encoded it", async () => {
    const { id } = await uploaded(at.ada, await sidewaysJpeg(3000, 1000), { name: "us.jpg" });
    const [found] = (await offered(at.ada, id)) as Offered[];
    for (const [address, format] of [
      [found?.urls.preview, "webp"],
      [found?.urls.large, "jpeg"],
    ] as const) {
      const shown = await fetch(at.server.url + address);
      expect(shown.headers.get("content-type")).toBe(`image/${format}`);
      expect(shown.headers.get("content-disposition")).toStartWith("inline;");
      expect(await new Bun.Image(await shown.bytes()).metadata()).toMatchObject({ format });
    }
    const kept = await fetch(at.server.url + found?.urls.original);
    expect(kept.headers.get("content-disposition")).toStartWith("attachment;");
  });

  test("is loaded by nobody without an address, or with one for something else", async () => {
    const [one, two] = [await uploaded(at.ada, png(9, 9)), await uploaded(at.ada, png(8, 8))];
    const address = await original(at.ada, one.id);
    const statuses = [
      address.replace(one.id, two.id),
      address.replace("/original/", "/preview/"),
      address.replace(/exp=\d+/, "exp=9999999999"),
      address.replace(/sig=.{5}/, "sig=AAAAA"),
      address.replace(/\?.*/, ""),
    ].map(async (wrong) => (await fetch(wrong)).status);
    expect(await Promise.all(statuses)).toEqual([403, 403, 403, 403, 403]);
    expect((await fetch(address)).status).toBe(200);
  });

  test("is its uploader's alone until it is sent", async () => {
    const { id } = await uploaded(at.ada, "x");
    expect(await offered(at.ada, id)).toHaveLength(1);
    expect(await offered(at.ben, id)).toEqual([]);
    await say(at.ada, { content: "", files: [{ id }] });
    expect(await offered(at.ben, id)).toHaveLength(1);
    expect(await offered(at.ben, crypto.randomUUID(), id)).toHaveLength(1);
  });

  test("of a deleted message is gone at once, by old addresses too, and soon from the disk", async () => {
    const { id } = await uploaded(at.ada, "x");
    const sent = await say(at.ada, { content: "", files: [{ id }] });
    const address = await original(at.ben, id);
    const { id: message } = sent.body as { id: number };
    await api(at.server, `DELETE /rooms/${room}/messages/${message}/`, { token: at.ada.token });
    expect(await offered(at.ben, id)).toEqual([]);
    expect(await offered(at.ada, id)).toEqual([]);
    expect((await fetch(address)).status).toBe(404);
  });

  test("stays with those who may read the room: someone who was banned gets no address", async () => {
    const { id } = await uploaded(at.ada, "x");
    await say(at.ada, { content: "", files: [{ id }] });
    expect(await offered(at.cy, id)).toHaveLength(1);
    const made = await api(at.server, "POST /rooms/", {
      token: at.ada.token,
      body: { title: "Private", people: [`@${at.ben.username}`], clientId: crypto.randomUUID() },
    });
    room = (made.body as { room: string }).room;
    const own = await uploaded(at.ada, "x");
    await say(at.ada, { content: "", files: [{ id: own.id }] });
    expect(await offered(at.ben, own.id)).toHaveLength(1);
    expect(await offered(at.cy, own.id)).toBe(404);
    const removed = await api(
      at.server,
      `DELETE /rooms/${encodeURIComponent(room)}/members/@${at.ben.username}/`,
      {
        token: at.ada.token,
      },
    );
    expect(removed.status).toBe(200);
    expect([403, 404]).toContain((await offered(at.ben, own.id)) as number);
  });

  test("from before someone was added is not theirs to see, if the room hides its past", async () => {
    const made = await api(at.server, "POST /rooms/", {
      token: at.ada.token,
      body: { title: "Private", history: "joined", people: [], clientId: crypto.randomUUID() },
    });
    room = (made.body as { room: string }).room;
    const before = await uploaded(at.ada, "x");
    await say(at.ada, { content: "", files: [{ id: before.id }] });
    await api(at.server, `PUT /rooms/${encodeURIComponent(room)}/members/@${at.ben.username}/`, {
      token: at.ada.token,
      body: { clientId: crypto.randomUUID() },
    });
    const after = await uploaded(at.ada, "x");
    await say(at.ada, { content: "", files: [{ id: after.id }] });
    expect(((await offered(at.ben, before.id, after.id)) as Offered[]).map(({ id }) => id)).toEqual([
      after.id,
    ]);
  });
});

test("welcome says how large a file may be", async () => {
  const client = await connect(at.server, { token: at.ada.token });
  expect((await client.next("welcome")).limits.fileBytes).toBe(50 * 2 ** 20);
  client.close();
});

test("a server without a place for files takes none, and says so", async () => {
  const server = await startTestServer({ FILES_URL: "off" });
  const { token } = await register(server, "ada");
  const client = await connect(server, { token });
  expect((await client.next("welcome")).limits).not.toHaveProperty("fileBytes");
  const send = { type: "send", room: "a", clientId: crypto.randomUUID(), content: "" };
  const reply = await client.ask({ ...send, files: [{ id: crypto.randomUUID() }] });
  expect(reply.code).toBe("file_missing");
  client.close();
  const response = await fetch(`${server.url}/rooms/a/files/${crypto.randomUUID()}/`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}` },
    body: "x",
  });
  expect(response.status).toBe(404);
  await server.stop();
});

test("files are stored in a bucket and loaded from an origin of their own, if the operator says so", async () => {
  const bucket = startBucket();
  const server = await startTestServer({
    FILES_URL: bucket.url,
    FILES_ORIGIN: "https://files.example.com",
    FILE_MAX: "1KiB",
  });
  const { token } = await register(server, "ada");
  await api(server, "POST /rooms/den/messages/", { token, body: { content: "hello" } });
  const send = (body: string) =>
    fetch(`${server.url}/rooms/den/files/${crypto.randomUUID()}/`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}` },
      body,
    });
  const large = await send("x".repeat(1025));
  expect([large.status, await codeOf(large)]).toEqual([413, "file_too_large"]);
  const { id } = (await (await send("0123456789")).json()) as Shown;
  expect([...bucket.objects.keys()]).toEqual([`some/prefix/${id}.original`]);
  const { body } = await api(server, `GET /rooms/den/files/?ids=${id}`, { token });
  const [{ urls }] = body as [Offered];
  expect(urls.original).toStartWith(`https://files.example.com/files/${id}/original/?`);
  const address = urls.original.replace("https://files.example.com", server.url);
  expect(await (await fetch(address)).text()).toBe("0123456789");
  const part = await fetch(address, { headers: { range: "bytes=-3" } });
  expect([part.status, await part.text()]).toEqual([206, "789"]);
  const files = [{ id }];
  const sent = await api(server, "POST /rooms/den/messages/", { token, body: { content: "", files } });
  await api(server, `DELETE /rooms/den/messages/${(sent.body as { id: number }).id}/`, { token });
  await until(() => bucket.objects.size === 0, 15_000);
  await server.stop();
  bucket.stop();
});

test("uploads and loads have budgets, and a large file costs more than a small one", async () => {
  const server = await startTestServer({ LOGIN_RATE: "0", BUDGETS: "0.02" });
  const { token } = await register(server, "ada");
  await api(server, "POST /rooms/den/messages/", { token, body: { content: "hello" } });
  // Six units: one for the upload, and one for each MiB.
  const send = (bytes: number) =>
    fetch(`${server.url}/rooms/den/files/${crypto.randomUUID()}/`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}` },
      body: new Uint8Array(bytes),
    });
  expect((await send(6 * 2 ** 20)).status).toBe(201);
  const next = await send(1);
  expect([next.status, await codeOf(next)]).toEqual([429, "rate_limited"]);
  await server.stop();
});

needs("TEST_DATABASE_URL")("two servers that share a database and a folder", () => {
  test("what one of them stores is sent, loaded and removed through the other", async () => {
    const database = await postgresDatabase();
    const folder = memoryFolder();
    const settings = {
      ...database.env,
      FILES_URL: pathToFileURL(folder.path).href,
      BUDGETS: "0",
      LOGIN_RATE: "0",
    };
    const [here, there] = [await startTestServer(settings), await startTestServer(settings)];
    const { token } = await register(here, "ada");
    await api(here, "POST /rooms/den/messages/", { token, body: { content: "hello" } });
    const key = crypto.randomUUID();
    const send = (server: { url: string }) =>
      fetch(`${server.url}/rooms/den/files/${key}/`, {
        method: "PUT",
        headers: { authorization: `Bearer ${token}` },
        body: "shared",
      });
    // One of two attempts at the same moment becomes the file.
    const both = await Promise.all([send(here), send(there)]);
    expect(both.map(({ status }) => status).sort()).toEqual([200, 201]);
    const [one, two] = (await Promise.all(both.map((answer) => answer.json()))) as [Shown, Shown];
    expect(one.id).toBe(two.id);
    const files = [{ id: one.id }];
    const sent = await api(there, "POST /rooms/den/messages/", { token, body: { content: "", files } });
    expect(sent.status).toBe(201);
    const { body } = await api(here, `GET /rooms/den/files/?ids=${one.id}`, { token });
    const [{ urls }] = body as [Offered];
    expect(await (await fetch(there.url + urls.original)).text()).toBe("shared");
    await api(here, `DELETE /rooms/den/messages/${(sent.body as { id: number }).id}/`, { token });
    expect((await fetch(there.url + urls.original)).status).toBe(404);
    const stored = () =>
      readdirSync(folder.path, { recursive: true, encoding: "utf8" }).filter((name) => name.includes("."));
    await until(() => stored().length === 0, 15_000);
    await Promise.all([here.stop(), there.stop()]);
    await database.close();
    folder.remove();
  });
});
