import { afterAll, beforeAll, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test";
import { createHash } from "node:crypto";
import { readdirSync } from "node:fs";
import { pathToFileURL } from "node:url";
import { api } from "../support/api.ts";
import { type Bucket, startBucket } from "../support/bucket.ts";
import { memoryFolder } from "../support/folder.ts";
import { START_MS } from "../support/house.ts";
import { type Person, register } from "../support/people.ts";
import { png } from "../support/pictures.ts";
import { openRaw } from "../support/raw.ts";
import { startTestServer, type TestServer } from "../support/server.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(30_000);

// Uploads over several requests, as clients of tus 1.0 make them.

const MIB = 1024 * 1024;
const folder = memoryFolder();
const bucket: Bucket = startBucket();
afterAll(() => {
  bucket.stop();
  folder.remove();
});

const PLACES: readonly (readonly [string, string, () => number])[] = [
  [
    "a folder",
    pathToFileURL(folder.path).href,
    () =>
      readdirSync(folder.path, { recursive: true, encoding: "utf8" }).filter((name) => name.includes("."))
        .length,
  ],
  ["a bucket", bucket.url, () => bucket.objects.size],
];

describe.each(PLACES)("into %s", (_, url, stored) => {
  let server: TestServer;
  let ada: Person;
  let ben: Person;
  let room: string;

  beforeAll(async () => {
    server = await startTestServer({ FILES_URL: url, FILE_MAX: "30MiB", FILE_QUOTA: "100MiB", BUDGETS: "0" });
    ada = await register(server, "ada");
    ben = await register(server, "ben");
  }, START_MS);
  afterAll(() => server.stop());
  beforeEach(async () => {
    room = `r-${crypto.randomUUID()}`;
    await api(server, `POST /rooms/${room}/messages/`, { token: ada.token, body: { content: "hello" } });
  });

  const tus = (method: string, path: string, headers: Record<string, string> = {}, body?: BodyInit) =>
    fetch(server.url + path, {
      method,
      headers: { authorization: `Bearer ${ada.token}`, "tus-resumable": "1.0.0", ...headers },
      ...(body !== undefined && { body }),
    });
  const create = (
    length: number,
    metadata: Record<string, string> = {},
    headers: Record<string, string> = {},
  ) =>
    tus("POST", `/rooms/${room}/files/`, {
      "upload-length": String(length),
      "upload-metadata": Object.entries(metadata)
        .map(([name, value]) => `${name} ${btoa(value)}`)
        .join(),
      ...headers,
    });
  const begin = async (length: number, metadata: Record<string, string> = {}) => {
    const response = await create(length, metadata);
    expect(response.status).toBe(201);
    return response.headers.get("location") ?? "";
  };
  const append = (at: string, offset: number, body: BodyInit, headers: Record<string, string> = {}) =>
    tus(
      "PATCH",
      at,
      { "content-type": "application/offset+octet-stream", "upload-offset": String(offset), ...headers },
      body,
    );
  const offsetOf = ({ headers }: Response) => Number(headers.get("upload-offset") ?? Number.NaN);
  const codeOf = async (response: Response) => [
    response.status,
    ((await response.json()) as { code: string }).code,
  ];
  const load = async (id: string) => {
    const { body } = await api(server, `GET /rooms/${room}/files/?ids=${id}`, { token: ada.token });
    const [found] = body as [{ urls: { original: string } }];
    return (await fetch(server.url + found.urls.original)).bytes();
  };

  test("a file arrives in pieces, is one file, and can be sent", async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(60_000));
    const at = await begin(bytes.length, { filename: "../big.bin" });
    expect(offsetOf(await tus("HEAD", at))).toBe(0);
    for (const [offset, end] of [
      [0, 20_000],
      [20_000, 20_001],
      [20_001, 60_000],
    ] as const) {
      const response = await append(at, offset, bytes.slice(offset, end));
      expect([response.status, offsetOf(response)]).toEqual([204, end]);
      expect(response.headers.has("upload-expires")).toBe(end < bytes.length);
    }
    const shown = await tus("GET", at);
    const file = (await shown.json()) as { id: string };
    const described = { name: "big.bin", type: "application/octet-stream", size: 60_000 };
    expect<object>(file).toEqual({ id: file.id, ...described });
    const sent = await api(server, `POST /rooms/${room}/messages/`, {
      token: ada.token,
      body: { content: "", files: [{ id: file.id }] },
    });
    expect(sent.status).toBe(201);
    expect(Buffer.from(await load(file.id)).equals(bytes)).toBe(true);
    // Its parts go, and it stays.
    await until(() => stored() === 1, 15_000);
    await api(server, `DELETE /rooms/${room}/messages/${(sent.body as { id: number }).id}/`, {
      token: ada.token,
    });
    await until(() => stored() === 0, 15_000);
  });

  test("what arrived before the connection broke off stays, and the rest follows", async () => {
    const bytes = crypto.getRandomValues(new Uint8Array(65_536));
    const whole = Buffer.concat(Array.from({ length: 20 * 16 }, () => bytes));
    const at = await begin(whole.length);
    const raw = await openRaw(server);
    raw.socket.write(
      `PATCH ${at} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${ada.token}\r\nTus-Resumable: 1.0.0\r\n` +
        `Upload-Offset: 0\r\nContent-Type: application/offset+octet-stream\r\nContent-Length: ${whole.length}\r\n\r\n`,
    );
    raw.socket.write(whole.subarray(0, 9 * MIB + 5));
    await until(() => raw.socket.writableLength === 0, 15_000);
    await until(async () => offsetOf(await tus("HEAD", at)) === 8 * MIB, 15_000);
    raw.end();
    await until(async () => offsetOf(await tus("HEAD", at)) > 8 * MIB, 15_000);
    const offset = offsetOf(await tus("HEAD", at));
    expect(offset).toBeLessThanOrEqual(9 * MIB + 5);
    expect((await append(at, offset, whole.subarray(offset))).status).toBe(204);
    const { id } = (await (await tus("GET", at)).json()) as { id: string };
    const hash = (some: Uint8Array) => createHash("sha256").update(some).digest("hex");
    expect(hash(await load(id))).toBe(hash(whole));
    await tus("DELETE", at);
    await until(() => stored() === 0, 15_000);
  });

  test("it is begun once, however often that is asked, and complete once it is complete", async () => {
    const key = { clientId: crypto.randomUUID() };
    const at = await begin(5, key);
    await append(at, 0, "he");
    const again = await create(5, key);
    expect([again.status, again.headers.get("location"), offsetOf(again)]).toEqual([201, at, 2]);
    expect(await codeOf(await create(6, key))).toEqual([409, "client_id_reused"]);
    await append(at, 2, "llo");
    expect(offsetOf(await create(5, key))).toBe(5);
    const one = (await (await tus("GET", at)).json()) as object;
    // The same bytes in one request are the same file.
    const put = await tus("PUT", at, {}, "hello");
    expect([put.status, await put.json()]).toEqual([200, { ...one, name: "file" }]);
    expect(await codeOf(await tus("PUT", at, {}, "jello"))).toEqual([409, "client_id_reused"]);
    await tus("DELETE", at);
    await until(() => stored() === 0, 15_000);
  });

  test("an empty file, a picture, and a file that was uploaded by someone else under the same clientId", async () => {
    const empty = await begin(0);
    expect(await (await tus("GET", empty)).json()).toMatchObject({ size: 0 });
    const picture = png(50, 40);
    const key = { clientId: crypto.randomUUID() };
    const at = await begin(picture.length, key);
    await append(at, 0, picture);
    expect(await (await tus("GET", at)).json()).toMatchObject({ type: "image/png", width: 50, height: 40 });
    const foreign = await tus("HEAD", at, { authorization: `Bearer ${ben.token}` });
    expect(foreign.status).toBe(404);
    for (const one of [empty, at]) expect((await tus("DELETE", one)).status).toBe(204);
    await until(() => stored() === 0, 15_000);
  });

  test("of two requests that continue at the same offset, one does", async () => {
    const at = await begin(10);
    const both = await Promise.all([append(at, 0, "hello"), append(at, 0, "hello")]);
    expect(both.map(({ status }) => status).sort()).toEqual([204, 409]);
    expect(offsetOf(await tus("HEAD", at))).toBe(5);
    expect(stored()).toBe(1);
    await tus("DELETE", at);
    expect((await tus("HEAD", at)).status).toBe(404);
    await until(() => stored() === 0, 15_000);
  });

  test("what does not fit is refused, with what to do", async () => {
    expect(await codeOf(await create(30 * MIB + 1))).toEqual([413, "file_too_large"]);
    expect(await codeOf(await tus("POST", `/rooms/${room}/files/`))).toEqual([400, "invalid"]);
    expect(await codeOf(await create(5, { clientId: "mine" }))).toEqual([400, "invalid"]);
    const old = await create(5, {}, { "tus-resumable": "0.2.2" });
    expect([await codeOf(old), old.headers.get("tus-version")]).toEqual([[412, "tus_version"], "1.0.0"]);
    const at = await begin(5);
    expect(await codeOf(await append(at, 1, "x"))).toEqual([409, "wrong_offset"]);
    expect(await codeOf(await append(at, 0, "x", { "content-type": "text/plain" }))).toEqual([
      415,
      "unsupported_media_type",
    ]);
    expect(await codeOf(await append(at, 0, "too long"))).toEqual([413, "file_too_large"]);
    expect(await codeOf(await append(`/rooms/${room}/files/x/`, 0, "x"))).toEqual([400, "invalid"]);
    await tus("DELETE", at);
    expect(await codeOf(await append(at, 0, "x"))).toEqual([404, "not_found"]);
    expect(await codeOf(await tus("DELETE", at))).toEqual([404, "not_found"]);
    await until(() => stored() === 0, 15_000);
  });

  test("unfinished uploads count in the quota with their whole length", async () => {
    const all = await Promise.all([begin(30 * MIB), begin(30 * MIB), begin(30 * MIB)]);
    expect(await codeOf(await create(30 * MIB))).toEqual([409, "quota_exceeded"]);
    for (const at of all) await tus("DELETE", at);
    const at = await begin(30 * MIB);
    await tus("DELETE", at);
  });

  test("a file that was sent is not given up, and someone without the right to post uploads nothing", async () => {
    const at = await begin(5);
    await append(at, 0, "hello");
    const { id } = (await (await tus("GET", at)).json()) as { id: string };
    await api(server, `POST /rooms/${room}/messages/`, {
      token: ada.token,
      body: { content: "", files: [{ id }] },
    });
    expect(await codeOf(await tus("DELETE", at))).toEqual([403, "forbidden"]);
    expect(Buffer.from(await load(id)).toString()).toBe("hello");
    const made = await api(server, "POST /rooms/", {
      token: ben.token,
      body: { title: "Private", people: [], clientId: crypto.randomUUID() },
    });
    room = (made.body as { room: string }).room;
    expect([403, 404]).toContain((await create(5)).status);
  });
});
