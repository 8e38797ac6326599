import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { api } from "../support/api.ts";
import { START_MS } from "../support/house.ts";
import { register } from "../support/people.ts";
import { dataFolder, type Running, startParley } from "../support/process.ts";
import { openRaw } from "../support/raw.ts";
import { until } from "../support/until.ts";

setDefaultTimeout(60_000);

// Files in a real process, which is killed.

let folder: Awaited<ReturnType<typeof dataFolder>>;
let server: Running;
let token: string;
const start = () => startParley({ DATA_DIR: folder.path, BUDGETS: "0", LOGIN_RATE: "0" });

beforeAll(async () => {
  folder = await dataFolder();
  server = await start();
  ({ token } = await register(server, "ada"));
  await api(server, "POST /rooms/den/messages/", { token, body: { content: "hello" } });
}, START_MS);
afterAll(async () => {
  await server.end();
  folder.remove();
});

const stored = () =>
  readdirSync(join(folder.path, "files"), { recursive: true, encoding: "utf8" }).filter((name) =>
    name.includes("."),
  );
const put = (clientId: string, body: string) =>
  fetch(`${server.url}/rooms/den/files/${clientId}/`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}` },
    body,
  });
const load = async (id: string) => {
  const { body } = await api(server, `GET /rooms/den/files/?ids=${id}`, { token });
  const [found] = body as { urls: { original: string } }[];
  return (await fetch(server.url + found?.urls.original)).text();
};

/** Sends the beginning of an upload. */
async function begin(clientId: string, length: number) {
  const raw = await openRaw(server);
  raw.socket.write(
    `PUT /rooms/den/files/${clientId}/ HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${token}\r\nContent-Length: ${length}\r\n\r\nhalf `,
  );
  return raw;
}

test("what was acknowledged before a kill is there after it, and can be sent", async () => {
  const key = crypto.randomUUID();
  const first = await put(key, "precious");
  const { id } = (await first.json()) as { id: string };
  await server.end("SIGKILL");
  server = await start();
  expect([(await put(key, "precious")).status, await load(id)]).toEqual([200, "precious"]);
  const sent = await api(server, "POST /rooms/den/messages/", {
    token,
    body: { content: "", files: [{ id }] },
  });
  expect(sent.status).toBe(201);
  await server.end("SIGKILL");
  server = await start();
  expect(await load(id)).toBe("precious");
});

test("a kill in the middle of an upload: the client sends it again, and it is one file", async () => {
  const key = crypto.randomUUID();
  const before = stored().length;
  const raw = await begin(key, 9);
  await until(() => stored().length === before + 1);
  await server.end("SIGKILL");
  raw.end();
  server = await start();
  const again = await put(key, "half full");
  expect(again.status).toBe(201);
  expect(await load(((await again.json()) as { id: string }).id)).toBe("half full");
});

test("a kill between the requests of an upload over several: it continues where it was, and is one file", async () => {
  const tus = (method: string, headers: Record<string, string> = {}, body?: string, path = at) =>
    fetch(`${server.url}${path}`, {
      method,
      headers: { authorization: `Bearer ${token}`, "tus-resumable": "1.0.0", ...headers },
      ...(body !== undefined && { body }),
    });
  const append = (offset: number, body: string) =>
    tus(
      "PATCH",
      { "content-type": "application/offset+octet-stream", "upload-offset": String(offset) },
      body,
    );
  let at = "";
  const begun = await tus("POST", { "upload-length": "9" }, undefined, "/rooms/den/files/");
  at = begun.headers.get("location") ?? "";
  expect((await append(0, "half ")).status).toBe(204);
  await server.end("SIGKILL");
  server = await start();
  expect((await tus("HEAD")).headers.get("upload-offset")).toBe("5");
  expect((await append(5, "full")).status).toBe(204);
  await server.end("SIGKILL");
  server = await start();
  const { id } = (await (await tus("GET")).json()) as { id: string };
  expect(await load(id)).toBe("half full");
});
