import { describe, expect, test } from "bun:test";
import type { FileBytes, UploadProgress } from "../../src/client/index.ts";
import { createChat } from "../../src/client/index.ts";
import { house, START_MS } from "../support/house.ts";
import { createRig, json, jwt, memory, message, outcome, problem, type Request, type Rig } from "./rig.ts";

const LIMITS = { frameBytes: 65_536, messageChars: 4_000, rooms: 200, fileBytes: 1_000 };
const stored = (id: string, name = "cat.png") => ({ id, name, type: "image/png", size: 3 });
const uploads = ({ requests }: Rig) => requests.filter(({ method }) => method === "PUT");
const cat = () => new File(["cat"], "cat.png", { type: "image/png" });

/** A chat in the room `hall`, with a server that answers uploads by `put`. */
async function inHall(
  put: (request: Request, n: number) => Response | Promise<Response>,
  storage = memory(),
) {
  let n = 0;
  const rig = createRig({
    storage,
    tokens: ({ refused }) => jwt(refused ? "newer" : "token"),
    http: (request) => (request.method === "PUT" ? put(request, n++) : problem("not_found", 404)),
  });
  const room = rig.chat.room("hall", { history: 0 }).join();
  await rig.settle();
  rig.wire.welcome({ limits: LIMITS });
  rig.wire.admit("hall", { version: 10 });
  return { rig, room };
}

const ack = (rig: Rig, id: number) => {
  const command = rig.wire.take("send");
  rig.wire.say({ type: "ok", ref: command.ref, id, version: id, timestamp: "now" });
  return command;
};
const sends = (rig: Rig) => rig.wire.sent.filter(({ type }) => type === "send").map(({ content }) => content);

describe("an upload", () => {
  test("sends the bytes and the name under a UUID, and returns what the server says", async () => {
    const { rig, room } = await inHall(() => json(stored("f_1"), 201));
    expect(await room.upload(cat())).toEqual(stored("f_1"));
    const [{ path, bytes, token } = {} as Request] = uploads(rig);
    expect(path).toMatch(/^\/rooms\/hall\/files\/[\w-]{36}\/\?name=cat.png$/);
    expect([await bytes?.text(), token]).toEqual(["cat", jwt("token")]);
  });

  test.each<[string, FileBytes]>([
    ["a blob", new Blob(["cat"])],
    ["a buffer", new TextEncoder().encode("cat").buffer],
    ["a part of a buffer", new TextEncoder().encode("a cat").subarray(2)],
    ["a view", new DataView(new TextEncoder().encode("cat").buffer)],
  ])("takes %s", async (_, bytes) => {
    const { rig, room } = await inHall(() => json(stored("f_1"), 201));
    await room.upload(bytes, { name: "a & b" });
    const [{ path, bytes: sent } = {} as Request] = uploads(rig);
    expect([path.split("?")[1], await sent?.text()]).toEqual(["name=a+%26+b", "cat"]);
  });

  test("is refused before it is sent if it is larger than the server takes", async () => {
    const { rig, room } = await inHall(() => json(stored("f_1"), 201));
    expect(await outcome(room.upload(new Uint8Array(1_001)))).toBe("file_too_large");
    expect(uploads(rig)).toEqual([]);
    expect(await outcome(room.upload(new Uint8Array(1_000)))).toBe("done");
  });

  test("waits until the server has said what it takes", async () => {
    const rig = createRig({ tokens: () => jwt("token"), http: () => json(stored("f_1"), 201) });
    const uploading = rig.chat.room("hall").upload(cat());
    await rig.settle();
    expect(rig.requests).toEqual([]);
    rig.wire.welcome({ limits: LIMITS });
    expect(await uploading).toEqual(stored("f_1"));
  });

  test("is repeated under the same UUID until its outcome is known", async () => {
    const { rig, room } = await inHall((_, n) => {
      if (n === 0) throw new TypeError("fetch failed");
      if (n === 1) return json({ error: "a proxy" }, 503);
      if (n === 2) return problem("rate_limited", 429, true);
      return json(stored("f_1"));
    });
    const uploading = room.upload(cat());
    await rig.pass(60_000);
    expect(await uploading).toEqual(stored("f_1"));
    expect(uploads(rig)).toHaveLength(4);
    expect(new Set(uploads(rig).map(({ path }) => path)).size).toBe(1);
  });

  test("is repeated with a newer token if the server refuses the token", async () => {
    const { rig, room } = await inHall((_, n) =>
      n === 0 ? problem("token_expired", 401) : json(stored("f_1")),
    );
    expect(await room.upload(cat())).toEqual(stored("f_1"));
    expect(uploads(rig).map(({ token }) => token)).toEqual([jwt("token"), jwt("newer")]);
  });

  test("fails with the server's refusal", async () => {
    const { rig, room } = await inHall(() => problem("quota_exceeded", 409));
    expect(await outcome(room.upload(cat()))).toBe("quota_exceeded");
    expect(uploads(rig)).toHaveLength(1);
  });

  test("ends at once when its signal is aborted, also while it waits for its turn", async () => {
    const { rig, room } = await inHall(() => new Promise(() => {}));
    const controls = [1, 2, 3].map(() => new AbortController());
    const uploading = controls.map(({ signal }) => outcome(room.upload(cat(), { signal })));
    await rig.settle();
    expect(uploads(rig)).toHaveLength(2);
    controls[2]?.abort(new Error("never mind"));
    expect(await uploading[2]).toBe("Error: never mind");
    controls[0]?.abort(new Error("stop"));
    expect(await uploading[0]).toBe("Error: stop");
    controls[1]?.abort(new Error("stop"));
    await uploading[1];
    expect(uploads(rig)).toHaveLength(2);
  });

  test("is given up and repeated if it does not end in the time that the slowest one may take", async () => {
    const { rig, room } = await inHall((_, n) => (n === 0 ? new Promise(() => {}) : json(stored("f_1"))));
    const uploading = room.upload(cat());
    await rig.pass(59_000);
    expect(uploads(rig)).toHaveLength(1);
    await rig.pass(5_000);
    expect(await uploading).toEqual(stored("f_1"));
  });
});

describe("a message with files", () => {
  test("is uploaded first, and later messages of the room keep their order", async () => {
    let finish = (_: Response) => {};
    const { rig, room } = await inHall(() => new Promise((resolve) => (finish = resolve)));
    const first = room.send("", { files: [cat(), { id: "f_old", alt: "An old one" }] });
    const second = room.send("Look");
    const elsewhere = rig.chat.room("attic").send("Hello");
    await rig.settle();
    expect(sends(rig)).toEqual(["Hello"]);
    const { clientId } = ack(rig, 1);
    expect(await elsewhere).toMatchObject({ clientId });
    expect(room.snapshot().waiting).toMatchObject([
      {
        content: "",
        unsent: true,
        files: [
          { name: "cat.png", size: 3 },
          { id: "f_old", alt: "An old one" },
        ],
      },
      { content: "Look", unsent: true },
    ]);
    expect(await room.snapshot().waiting[0]?.files?.[0]?.file?.text()).toBe("cat");
    finish(json(stored("f_1"), 201));
    await rig.settle();
    expect(sends(rig)).toEqual([""]);
    expect(ack(rig, 11).files).toEqual([{ id: "f_1" }, { id: "f_old", alt: "An old one" }]);
    expect(await first).toMatchObject({ id: 11 });
    ack(rig, 12);
    expect(await second).toMatchObject({ id: 12 });
  });

  test("is withdrawn with its uploads", async () => {
    const { rig, room } = await inHall(() => new Promise(() => {}));
    const sent = outcome(room.send("", { files: [cat()] }));
    const later = room.send("Look");
    await rig.settle();
    const clientId = room.snapshot().waiting[0]?.clientId ?? "";
    expect(room.withdraw(clientId)).toBe(true);
    expect(await sent).toBe("withdrawn");
    expect(sends(rig)).toEqual(["Look"]);
    ack(rig, 11);
    await later;
  });

  test("fails if a file cannot be stored, and can be sent again as it was", async () => {
    const { rig, room } = await inHall((_, n) =>
      n === 0 ? problem("quota_exceeded", 409) : json(stored("f_1"), 201),
    );
    const failed: Parameters<typeof room.send>[] = [];
    room.on("settled", ({ change, error }) => {
      if (error && change.type === "send") failed.push([change.content, { files: change.files ?? [] }]);
    });
    const later = room.send("Before");
    expect(await outcome(room.send("A cat", { files: [{ file: cat(), alt: "It sleeps" }] }))).toBe(
      "quota_exceeded",
    );
    ack(rig, 11);
    await later;
    const again = room.send(...(failed[0] ?? [""]));
    await rig.settle();
    expect(ack(rig, 12)).toMatchObject({ content: "A cat", files: [{ id: "f_1", alt: "It sleeps" }] });
    expect(await again).toMatchObject({ id: 12 });
  });

  test("uploads its files again under new UUIDs if the server does not have them any more, once", async () => {
    const { rig, room } = await inHall((_, n) => json(stored(`f_${n}`), 201));
    const sent = outcome(room.send("", { files: [cat()] }));
    const clientIds: unknown[] = [];
    for (const id of ["f_0", "f_1"]) {
      await rig.settle();
      const { ref, files, clientId } = rig.wire.take("send");
      clientIds.push(clientId);
      expect(files).toEqual([{ id }]);
      rig.wire.say({ type: "error", ref, code: "file_missing", message: "gone", retryable: false });
    }
    expect(await sent).toBe("file_missing");
    expect(clientIds[0]).toBe(clientIds[1]);
    expect(new Set(uploads(rig).map(({ path }) => path)).size).toBe(2);
  });

  test("waits for a scanner without holding up other rooms, and fails if the scanner rejects a file", async () => {
    const held = { ...stored("f_1"), held: true };
    let answers: Response[] = [json(held, 202), json(held), json(stored("f_1"))];
    const rig = createRig({
      tokens: () => jwt("token"),
      http: () => answers.shift() ?? problem("file_rejected", 422),
    });
    const room = rig.chat.room("hall", { history: 0 }).join();
    await rig.settle();
    rig.wire.welcome({ limits: LIMITS });
    rig.wire.admit("hall", { version: 10 });
    const sent = room.send("", { files: [cat()] });
    await rig.pass(5_000);
    expect(room.snapshot().waiting).toMatchObject([{ unsent: true }]);
    await rig.pass(5_000);
    expect(ack(rig, 11).files).toEqual([{ id: "f_1" }]);
    await sent;
    answers = [json(held, 202)];
    const rejected = outcome(room.send("", { files: [cat()] }));
    await rig.pass(5_000);
    expect(await rejected).toBe("file_rejected");
    const [{ path: put } = {} as Request, { path: asked } = {} as Request] = rig.requests;
    expect(put.split("?")[0]).toBe(asked);
  });

  test("with the id of a file that a scanner holds is sent again, and only its room waits for it", async () => {
    const { rig, room } = await inHall(() => problem("not_found", 404));
    const sent = room.send("", { files: [{ id: "f_1" }] });
    const { ref } = rig.wire.take("send");
    rig.wire.say({
      type: "error",
      ref,
      code: "file_held",
      message: "held",
      retryable: true,
      retryAfterMs: 3_000,
    });
    const later = room.send("Later");
    const elsewhere = rig.chat.room("attic").send("Hello");
    expect(sends(rig)).toEqual(["Hello"]);
    ack(rig, 1);
    await elsewhere;
    await rig.pass(5_000);
    expect(sends(rig)).toEqual([""]);
    ack(rig, 11);
    await sent;
    ack(rig, 12);
    await later;
  });

  test("continues after a reload if its files were uploaded, and else gives back its text", async () => {
    const storage = memory();
    const { rig, room } = await inHall(
      (_, n) => (n === 0 ? json(stored("f_1"), 201) : new Promise(() => {})),
      storage,
    );
    void outcome(room.send("First", { files: [{ file: cat(), alt: "It sleeps" }] }));
    void outcome(room.send("Second", { files: [cat()] }));
    await rig.settle();
    await rig.chat.close();

    const next = createRig({ storage, tokens: () => jwt("token"), http: () => problem("not_found", 404) });
    const settled: unknown[] = [];
    next.chat.on("settled", ({ change, error }) => settled.push({ change, error }));
    await next.chat.ready;
    await next.settle();
    expect(settled).toMatchObject([
      {
        change: { content: "Second", files: [{ name: "cat.png", size: 3 }] },
        error: { code: "file_missing" },
      },
    ]);
    next.wire.welcome({ limits: LIMITS });
    expect(next.wire.take("send")).toMatchObject({
      content: "First",
      files: [{ id: "f_1", alt: "It sleeps" }],
    });
  });

  test("keeps its files in the list", async () => {
    const { rig, room } = await inHall(() => problem("not_found", 404));
    rig.wire.say(message("hall", 11, { files: [{ ...stored("f_1"), width: 3, height: 4, alt: "A cat" }] }));
    expect(room.snapshot().messages).toMatchObject([
      { id: 11, files: [{ id: "f_1", width: 3, alt: "A cat" }] },
    ]);
    rig.wire.say(message("hall", 12, { files: [{ id: "f_2" }] }));
    expect(rig.problems).toHaveLength(1);
  });
});

describe("the addresses of files", () => {
  const urls = (id: string) => ({
    id,
    endsAt: "2026-11-24T12:05:00Z",
    urls: { original: `/files/${id}/original?sig=1`, preview: `https://files.example.com/${id}` },
  });
  const asked = ({ requests }: Rig) =>
    requests.map(({ path }) => new URLSearchParams(path.split("?")[1]).get("ids")?.split(",") ?? []);

  const createHall = () => {
    const rig = createRig({
      tokens: () => jwt("token"),
      http: ({ path }) =>
        json(
          (new URLSearchParams(path.split("?")[1]).get("ids") ?? "")
            .split(",")
            .filter((id) => id !== "secret")
            .map(urls),
        ),
    });
    return { rig, room: rig.chat.room("hall") };
  };

  test("are absolute, and those that the person may not see are missing", async () => {
    const { rig, room } = createHall();
    const found = room.files(["a", "secret"]);
    await rig.pass(1);
    expect([...(await found)]).toEqual([
      [
        "a",
        {
          id: "a",
          endsAt: "2026-11-24T12:05:00Z",
          original: "https://chat.example.com/files/a/original?sig=1",
          preview: "https://files.example.com/a",
          large: undefined,
        },
      ],
    ]);
  });

  test("are requested together, 50 at a time, and again after 4 minutes or if someone asks for fresh ones", async () => {
    const { rig, room } = createHall();
    const ids = Array.from({ length: 60 }, (_, n) => `f${n}`);
    const all = Promise.all([...ids.map((id) => room.files([id])), room.files(ids)]);
    await rig.pass(1);
    expect((await all).at(-1)?.size).toBe(60);
    expect(asked(rig).map(({ length }) => length)).toEqual([50, 10]);
    await rig.pass(4 * 60_000 - 1_000);
    expect((await room.files(["f1"])).size).toBe(1);
    expect(rig.requests).toHaveLength(2);
    const fresh = room.files(["f1"], { fresh: true });
    await rig.pass(1);
    await fresh;
    await rig.pass(1_000);
    const later = room.files(["f1", "f2"]);
    await rig.pass(1);
    await later;
    expect(asked(rig).slice(2)).toEqual([["f1"], ["f2"]]);
  });

  test("do not count as known after a failure, or while the person may not see the file", async () => {
    let allowed = false;
    const rig = createRig({
      tokens: () => jwt("token"),
      http: () => (allowed ? json([urls("a")]) : problem("forbidden", 403)),
    });
    const room = rig.chat.room("hall");
    const ask = async () => {
      const found = outcome(room.files(["a"]).then(({ size }) => Promise.reject(new Error(String(size)))));
      await rig.pass(1);
      return found;
    };
    expect(await ask()).toBe("forbidden");
    allowed = true;
    expect(await ask()).toBe("Error: 1");
  });
});

test(
  "files go to a real server and come back, with progress",
  async () => {
    const { server, ada, ben } = await house();
    const [hers, his] = [ada, ben].map(({ token }) => createChat({ url: server.url, tokens: () => token }));
    if (!hers || !his) throw new Error("there is no chat");
    const room = hers.room("file-hall");
    const bytes = crypto.getRandomValues(new Uint8Array(300_000));
    const progress: UploadProgress[] = [];
    await room.send("Good morning");
    const uploaded = await room.upload(new File([bytes], "noise.bin"), {
      onProgress: (now) => progress.push(now),
    });
    expect(uploaded).toMatchObject({ name: "noise.bin", size: 300_000, type: "application/octet-stream" });
    expect(progress.at(-1)).toEqual({ loaded: 300_000, total: 300_000 });
    await room.send("", { files: [{ ...uploaded, alt: "Noise" }, new File(["Hello"], "hello.txt")] });

    const { messages } = await his.room("file-hall").history();
    const files = messages.at(-1)?.files ?? [];
    expect(files).toMatchObject([
      { ...uploaded, alt: "Noise" },
      { name: "hello.txt", type: "text/plain", size: 5 },
    ]);
    const urls = await his.room("file-hall").files(files.map(({ id }) => id));
    const loaded = await fetch(urls.get(uploaded.id)?.original ?? "");
    expect(Bun.deepEquals(await loaded.bytes(), bytes)).toBe(true);
    expect((await his.listRooms({ all: true, like: "file-hall" })).items).toBeDefined();
    await Promise.all([hers.close(), his.close()]);
  },
  2 * START_MS,
);
