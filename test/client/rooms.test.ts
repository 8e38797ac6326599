import { describe, expect, test } from "bun:test";
import type { RoomsPage } from "../../src/client/index.ts";
import { createRig, json, outcome, problem, type Request } from "./rig.ts";

const ADA = { email: "ada@example.com", password: "correct horse battery" };

const LAST = { id: 7, username: "ben", content: "Tea?", timestamp: "2026-11-24T12:00:00Z" };
const HALL = { room: "hall", last: LAST, lastActivity: LAST.timestamp, online: 2, lastRead: 4, unread: "3" };
const ATTIC = { room: "attic", last: null, lastActivity: null, online: 0, lastRead: null, unread: "99+" };

/** A rig whose person is signed in, and whose server handles `/rooms/` with `http`. */
async function signedIn(http: (request: Request) => Response | Promise<Response>) {
  const rig = createRig({
    http(request) {
      const { path } = request;
      if (path === "/account/login/" || path === "/account/refresh/")
        return json({ access: `for ${path}`, refresh: "refresh", username: "ada", email: ADA.email });
      return http(request);
    },
  });
  await rig.chat.login(ADA);
  (rig.requests as Request[]).splice(0);
  return rig;
}

describe("a list of rooms", () => {
  test("has each room with its newest message and what is unread", async () => {
    const rig = await signedIn(() => json([ATTIC, HALL]));
    const page: RoomsPage = await rig.chat.rooms();
    expect(page).toMatchObject({
      rooms: [
        { room: "attic", last: null, online: 0, lastRead: null, unread: 100 },
        { room: "hall", last: LAST, online: 2, lastRead: 4, unread: 3 },
      ],
      next: undefined,
    });
    expect(rig.requests).toMatchObject([
      { method: "GET", path: "/rooms/?limit=50", token: "for /account/login/" },
    ]);
  });

  test("is read page by page, with the cursor that the server's Link names", async () => {
    const rig = await signedIn(({ path }) =>
      path.includes("after")
        ? json([HALL])
        : json([ATTIC], 200, { link: '</rooms/?all=&after=caf%C3%A9&limit=1>; rel="next"' }),
    );
    const first = await rig.chat.rooms({ all: true, limit: 1 });
    const second = await rig.chat.rooms({ all: true, limit: 1, after: first.next });
    expect([first, second].map(({ rooms }) => rooms.map(({ room }) => room))).toEqual([["attic"], ["hall"]]);
    expect(second.next).toBeUndefined();
    expect(rig.requests.map(({ path }) => path)).toEqual([
      "/rooms/?limit=1&all",
      "/rooms/?limit=1&all&after=caf%C3%A9",
    ]);
    await rig.chat.rooms({ after: "café" });
    expect(rig.requests.at(-1)?.path).toBe("/rooms/?limit=50&after=caf%C3%A9");
  });

  test("leaves out items that are not rooms, and fails if the body is not a list", async () => {
    const odd = [null, 7, {}, { ...HALL, last: 7 }, { ...HALL, online: "2" }, { ...HALL, lastRead: -1 }];
    const rig = await signedIn(() => json([...odd, HALL]));
    expect((await rig.chat.rooms()).rooms.map(({ room }) => room)).toEqual(["hall"]);
    const none = await signedIn(() => json({ rooms: [] }));
    expect(await outcome(none.chat.rooms())).toBe("bad_answer");
  });

  test("is requested again with a renewed token if the server refuses the first", async () => {
    const rig = await signedIn(({ token }) =>
      token === "for /account/refresh/" ? json([HALL]) : problem("token_expired", 401),
    );
    expect((await rig.chat.rooms()).rooms).toHaveLength(1);
    expect(rig.requests.map(({ path, token }) => [path, token])).toEqual([
      ["/rooms/?limit=50", "for /account/login/"],
      ["/account/refresh/", undefined],
      ["/rooms/?limit=50", "for /account/refresh/"],
    ]);
  });

  test("fails with the server's code, and with the reason of its signal", async () => {
    const rig = await signedIn(() => problem("rate_limited", 429, true));
    expect(await outcome(rig.chat.rooms())).toBe("rate_limited");
    expect(await outcome(rig.chat.rooms({ signal: AbortSignal.abort(new Error("never mind")) }))).toBe(
      "Error: never mind",
    );
    expect(await outcome(createRig().chat.rooms())).toBe("unreachable");
  });
});
