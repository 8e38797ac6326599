import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import * as v from "valibot";
import type * as Wire from "../../src/client/message.ts";
import { parseFrame } from "../../src/client/frames.ts";
import { HISTORIES, NOTICE_TYPES, ROLES, ROOM_KINDS } from "../../src/protocol/membership.ts";
import { SERVER_FRAMES, type ServerFrame } from "../../src/protocol/frames.ts";

type Of<T extends ServerFrame["type"]> = Extract<ServerFrame, { type: T }>;
/** Compiles only if everything that the server's schema allows fits the client's type. */
const promised = <Server extends Client, Client>(_?: [Server, Client]): true => true;
/** Compiles only if the client's type has no field that the schema lacks. */
const known = <Client, Server>(..._: keyof Client extends keyof Server ? [] : [never]): true => true;

test("the types of the client are those of the protocol", () => {
  promised<Of<"welcome">, Wire.WelcomeFrame>();
  promised<Of<"joined">, Wire.JoinedFrame>();
  promised<Of<"message">, Wire.MessageFrame>();
  promised<Of<"notice">, Wire.NoticeFrame>();
  promised<Of<"synced">, Wire.SyncedFrame>();
  promised<Of<"lagging">, Wire.LaggingFrame>();
  promised<Of<"presence">, Wire.PresenceFrame>();
  promised<Of<"typing">, Wire.TypingFrame>();
  promised<Of<"read">, Wire.ReadFrame>();
  promised<Of<"receipt">, Wire.ReceiptFrame>();
  promised<Of<"thread">, Wire.ThreadFrame>();
  promised<Of<"left">, Wire.LeftFrame>();
  promised<Of<"activity">, Wire.ActivityFrame>();
  promised<Of<"rooms">, Wire.RoomsFrame>();
  promised<Of<"expiring">, Wire.ExpiringFrame>();
  promised<Of<"closing">, Wire.ClosingFrame>();
  known<Wire.WelcomeFrame, Of<"welcome">>();
  known<Wire.JoinedFrame, Of<"joined">>();
  known<Wire.MessageFrame, Of<"message">>();
  known<Wire.NoticeFrame, Of<"notice">>();
  known<Wire.NoticeChange, Of<"notice">["notice"]>();
  known<Wire.PresenceFrame, Of<"presence">>();
  expect(promised<Exclude<ServerFrame["type"], "ok" | "error">, Wire.EventFrame["type"]>()).toBe(true);
  expect(promised<Wire.EventFrame["type"], Exclude<ServerFrame["type"], "ok" | "error">>()).toBe(true);
});

/** The client accepts any text as a time or a UUID. */
const fits = (frame: ServerFrame) =>
  (v.safeParse(SERVER_FRAMES[frame.type], frame).issues ?? []).every(
    ({ type }) => type === "iso_timestamp" || type === "uuid",
  );

const time = fc
  .date({ noInvalidDate: true, min: new Date(0), max: new Date("2999-12-31") })
  .map((date) => date.toISOString());
const whole = fc.nat();
const id = fc.integer({ min: 1 });
const texts = fc.array(fc.string(), { maxLength: 3 });
const maybe = { requiredKeys: ["type", "room"] as ("type" | "room")[] };

const person = fc.record({ id: fc.string(), name: fc.string() }, { requiredKeys: ["id"] });
const people = fc.array(person, { maxLength: 3 });
const profile = fc.record(
  { id: fc.string(), username: fc.string(), name: fc.string() },
  { requiredKeys: ["id", "username"] },
);

/** Frames that a server may send. */
const FRAMES: fc.Arbitrary<unknown> = fc.oneof(
  fc.record({
    type: fc.constant("welcome"),
    user: fc.record(
      { id: fc.string(), username: fc.string(), name: fc.string(), picture: fc.string() },
      { requiredKeys: ["id", "username"] },
    ),
    expiresAt: time,
    heartbeatMs: whole,
    limits: fc.record({ frameBytes: whole, messageChars: whole, rooms: whole }),
  }),
  fc.record(
    {
      type: fc.constant("joined"),
      room: fc.string(),
      version: whole,
      epoch: fc.string(),
      resumed: fc.boolean(),
      kind: fc.constantFrom(...ROOM_KINDS),
      role: fc.constantFrom(...ROLES),
      title: fc.string(),
      topic: fc.string(),
      archived: fc.constant(true),
      history: fc.constant("joined"),
      membersAdd: fc.constant(true),
      receipts: fc.constant(true),
      mutedUntil: fc.option(time),
      from: id,
      online: whole,
      people: texts,
      profiles: people,
      lastRead: whole,
      unread: whole,
    },
    { requiredKeys: ["type", "room", "version", "epoch", "resumed", "kind", "role"] },
  ),
  fc.record(
    {
      type: fc.constant("message"),
      room: fc.string(),
      change: fc.constantFrom("created", "updated", "deleted"),
      prev: whole,
      replay: fc.constant(true),
      id,
      version: id,
      username: fc.string(),
      user: person,
      content: fc.string({ unit: "grapheme" }),
      timestamp: time,
      clientId: fc.uuid(),
      data: fc.dictionary(fc.string(), fc.jsonValue()),
      replyTo: id,
      editedAt: time,
      deletedAt: time,
      reactions: fc.dictionary(fc.string(), fc.record({ count: whole, users: texts, profiles: people })),
    },
    {
      requiredKeys: [
        "type",
        "room",
        "change",
        "id",
        "version",
        "username",
        "user",
        "content",
        "timestamp",
        "clientId",
      ],
    },
  ),
  fc.record(
    {
      type: fc.constant("notice"),
      room: fc.string(),
      prev: whole,
      replay: fc.constant(true),
      id,
      version: id,
      timestamp: time,
      by: profile,
      notice: fc.record(
        {
          type: fc.constantFrom(...NOTICE_TYPES),
          users: fc.array(profile, { maxLength: 3 }),
          heir: profile,
          role: fc.constantFrom(...ROLES),
          until: time,
          kind: fc.constantFrom(...ROOM_KINDS),
          title: fc.string(),
          topic: fc.string(),
          history: fc.constantFrom(...HISTORIES),
          membersAdd: fc.boolean(),
          receipts: fc.boolean(),
        },
        { requiredKeys: ["type", "users"] },
      ),
    },
    { requiredKeys: ["type", "room", "id", "version", "timestamp", "by", "notice"] },
  ),
  fc.record({ type: fc.constantFrom("synced", "lagging"), room: fc.string(), version: whole }),
  fc.record(
    {
      type: fc.constant("presence"),
      room: fc.string(),
      online: whole,
      joined: texts,
      profiles: people,
      left: texts,
    },
    { requiredKeys: ["type", "room", "online"] },
  ),
  fc.record({ type: fc.constant("typing"), room: fc.string(), username: fc.string(), user: person }),
  fc
    .record({ type: fc.constant("read"), room: fc.string(), id: whole }, maybe)
    .filter((frame) => "id" in frame),
  fc.record({ type: fc.constant("left"), room: fc.string(), code: whole }),
  fc.record({ type: fc.constant("expiring"), at: time }),
  fc.record({ type: fc.constant("closing"), reason: fc.string(), retryAfterMs: whole }),
  fc.record({ type: fc.constant("ok"), ref: whole, anything: fc.anything() }),
);

describe("what comes over a socket", () => {
  test("is passed on unchanged, with unknown fields, if it fits the protocol", () => {
    fc.assert(
      fc.property(FRAMES, fc.string(), (frame, extra) => {
        const text = JSON.stringify({ ...(frame as object), extra });
        const sent = JSON.parse(text) as ServerFrame;
        expect(v.is(SERVER_FRAMES[sent.type], sent)).toBe(true);
        const read = parseFrame(text);
        expect((read.event ?? read.reply) as unknown).toEqual(sent);
        expect(read.problem).toBeUndefined();
      }),
      { numRuns: 1_000 },
    );
  });

  test("never yields an event outside the protocol, and never throws", () => {
    const odd = fc.oneof(
      fc.anything(),
      fc.json(),
      fc.anything().map((value) => JSON.stringify(value)),
      // A valid frame with one field replaced.
      fc
        .tuple(FRAMES, fc.nat(20), fc.oneof(fc.jsonValue(), fc.constant(undefined)))
        .map(([frame, which, value]) => {
          const fields = Object.entries(frame as object);
          const [name = ""] = fields[which % fields.length] ?? [];
          return JSON.stringify({ ...(frame as object), [name]: value });
        }),
    );
    fc.assert(
      fc.property(odd, (data) => {
        const { event } = parseFrame(data);
        if (event) expect(fits(event as ServerFrame)).toBe(true);
      }),
      { numRuns: 3_000 },
    );
  });

  test("is ignored if its type is unknown", () => {
    expect(parseFrame('{"type": "dance", "room": "hall"}')).toEqual({});
    expect(parseFrame('{"type": "__proto__"}')).toEqual({});
    expect(parseFrame('{"type": "toString"}')).toEqual({});
  });

  test("is reported as a problem if it is invalid", () => {
    const messages = [
      "<html>",
      "[]",
      "null",
      '"text"',
      "{}",
      '{"type": 1}',
      new Uint8Array(3),
      undefined,
    ].map((data) => parseFrame(data).problem?.message);
    expect(new Set(messages)).toEqual(new Set(["The server sent an invalid frame: no type."]));
    expect(parseFrame('{"type": "synced", "room": "hall"}').problem).toMatchObject({
      code: "bad_answer",
      message: "The server sent an invalid frame: synced.",
    });
    expect(parseFrame('{"type": "ok"}').problem?.message).toBe("The server sent an invalid frame: ok.");
  });

  test("keeps the code of an error, and `retryable` of an unknown one", () => {
    const { reply } = parseFrame(
      '{"type": "error", "ref": 1, "code": "new", "message": "Later.", "retryable": true, "retryAfterMs": 5}',
    );
    expect(reply).toMatchObject({ code: "new", message: "Later.", retryable: true, retryAfterMs: 5 });
    expect(parseFrame('{"type": "error", "ref": 1}').reply).toMatchObject({
      code: "bad_answer",
      retryable: false,
      message: "The server gave no reason.",
    });
  });
});
