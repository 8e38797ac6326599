import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { LOOKUP_MS } from "../../src/chat/access/memberships.ts";
import { DEADLINE_MS, SWEEP_MS } from "../../src/chat/room/committer.ts";
import {
  HARD_LIMIT,
  OUTSTANDING,
  READS_IN_FLIGHT,
  READS_WAITING,
  REPLAY_MAX,
  SOFT_LIMIT,
  STALL_MS,
} from "../../src/chat/limits.ts";
import { SETTINGS } from "../../src/config/config.ts";
import { BUDGETS } from "../../src/protocol/budgets.ts";
import { CLOSE, ERRORS } from "../../src/protocol/codes.ts";
import { COMMANDS, SERVER_FRAMES } from "../../src/protocol/frames.ts";
import { ALT_MAX, FILE_NAME_MAX, FILES_MAX } from "../../src/protocol/files.ts";
import { PINS_MAX } from "../../src/protocol/membership.ts";
import * as limits from "../../src/protocol/limits.ts";
import { connect } from "../support/client.ts";
import { exchange } from "./exchange.ts";
import { play } from "./play.ts";
import { openStage, type Stage } from "./stage.ts";
import { blocksOf, tableOf } from "./transcripts.ts";
import { NAME_MAX, PICTURE_MAX } from "../../src/protocol/names.ts";

const page = await Bun.file(join(import.meta.dir, "../../docs/PROTOCOL.md")).text();
const blocks = blocksOf(page);

/** Timeout of a transcript: one with a lagging reader moves tens of megabytes. */
const LIMIT_MS = 60_000;

describe("the examples in docs/PROTOCOL.md work as shown", () => {
  let stage: Stage;
  beforeAll(async () => {
    stage = await openStage();
  });
  afterAll(() => stage.stop());

  for (const block of blocks.filter(({ kind }) => kind === "http"))
    test(`the exchange under "${block.heading}", line ${block.line}`, () => exchange(block, stage), LIMIT_MS);

  for (const block of blocks.filter(({ kind }) => kind === "transcript"))
    test(`the transcript under "${block.heading}", line ${block.line}`, () => play(block, stage), LIMIT_MS);

  test("every block is an exchange or a transcript, so all are executed", () => {
    expect([...new Set(blocks.map(({ kind }) => kind))].sort()).toEqual(["http", "transcript"]);
    expect(blocks.length).toBeGreaterThan(15);
  });

  test("the reason in a close frame is the name of its code", async () => {
    const ada = await connect(stage, { token: "nonsense" });
    expect(await ada.closed).toEqual({ code: CLOSE.token_invalid, reason: "token_invalid" });
    const ben = await connect(stage, { token: (await stage.tokensOf("ben")).access });
    ben.send({ type: "join", ref: 1, room: "reasons" });
    ben.send({ type: "join", ref: 1, room: "reasons" });
    expect(await ben.closed).toEqual({ code: CLOSE.protocol, reason: "protocol" });
  });
});

describe("the tables of docs/PROTOCOL.md match the source", () => {
  test("error codes, with status and whether they are retryable", () => {
    const rows = tableOf(page, "Error codes").map(([code, status, retry]) => [
      code,
      Number(status),
      retry === "yes",
    ]);
    expect(rows).toEqual(
      Object.entries(ERRORS).map(([code, { status, retryable }]) => [code, status, retryable]),
    );
  });

  test("codes of rejected handshakes, with their statuses", () => {
    for (const [status, code = ""] of tableOf(page, "When the handshake is refused"))
      expect([code, Number(status)]).toEqual([code, ERRORS[code as keyof typeof ERRORS]?.status]);
  });

  test("close codes with their names", () => {
    const rows = tableOf(page, "Close codes").map(([code, name]) => [name, Number(code)]);
    expect(rows).toEqual(Object.entries(CLOSE));
  });

  test("every command and every server frame has its own heading", () => {
    const named = Object.keys({ ...COMMANDS, ...SERVER_FRAMES }).filter(
      (type) => type !== "ok" && type !== "error",
    );
    const headings = [...page.matchAll(/^### (.*)$/gm)].map(([, heading]) => heading ?? "");
    expect(headings.filter((heading) => named.includes(heading)).sort()).toEqual(named.sort());
  });

  test("limits", () => {
    const configured = (name: "MESSAGE_MAX_CHARS" | "SOCKETS_PER_USER") => Number(SETTINGS[name].fallback);
    const rows = tableOf(page, "Limits").map(([what, limit]) => [
      what,
      limit?.replace(/ ([a-z]|MiB).*$/, ""),
    ]);
    const number = (value: number) => value.toLocaleString("en-US");
    expect(rows).toEqual([
      ["a frame from the client", number(limits.FRAME_IN_MAX_BYTES)],
      ["a frame from the server", number(limits.FRAME_OUT_MAX_BYTES)],
      ["the body of a request", number(64 * 1024)],
      ["time in which the body of a request arrives", "60"],
      ["pinned messages of a room", String(PINS_MAX)],
      ["saved messages of one user", number(limits.SAVED_MAX)],
      ["a message, unless configured otherwise", number(configured("MESSAGE_MAX_CHARS"))],
      ["a message, whatever is configured", number(limits.MESSAGE_MAX_CHARS)],
      ["the data of a message", number(limits.DATA_MAX_BYTES)],
      ["files of a message", String(FILES_MAX)],
      ["a file, unless configured otherwise", SETTINGS.FILE_MAX.fallback.replace("MiB", "")],
      ["the alternative text of a file", String(ALT_MAX)],
      ["the name of a file", String(FILE_NAME_MAX)],
      ["the name of a room", number(limits.ROOM_NAME_MAX)],
      ["a username", number(limits.USERNAME_MAX)],
      ["a display name", number(NAME_MAX)],
      ["the address of a picture", number(PICTURE_MAX)],
      ["marks on one letter of a name", "4"],
      ["an access token", number(limits.TOKEN_MAX)],
      ["a page of history", number(limits.HISTORY_MAX)],
      ["a page of history over HTTP", number(limits.HISTORY_MAX_BYTES)],
      ["pages of history and lists of one user, read at a time", number(READS_IN_FLIGHT)],
      ["pages of history and lists of one user that wait", number(READS_WAITING)],
      ["sockets of one user, unless configured otherwise", number(configured("SOCKETS_PER_USER"))],
      ["rooms on one socket, unless configured otherwise", SETTINGS.ROOMS_PER_SOCKET.fallback],
      ["commands of one socket that await their reply", number(OUTSTANDING)],
      ["versions in a replay", number(REPLAY_MAX)],
      ["backlog of a reader before it lags", number(SOFT_LIMIT)],
      ["backlog of a reader before it is cut", number(HARD_LIMIT)],
      ["time in which a slow reader must take something", number(STALL_MS / 1000)],
      [
        "time in which a message gets a reply",
        number(Math.ceil((LOOKUP_MS + DEADLINE_MS + SWEEP_MS) / 1000)),
      ],
      [
        "what a check adds to that, unless configured otherwise",
        SETTINGS.MESSAGE_HOOK_TIMEOUT.fallback.replace("s", ""),
      ],
      ["ids, versions, refs", "2<sup>53</sup> − 1"],
    ]);
    expect(limits.ID_MAX).toBe(2 ** 53 - 1);
  });

  test("budgets", () => {
    const rateOf = (rate: number) => (rate < 1 ? `${Math.round(rate * 3600)} an hour` : String(rate));
    expect(tableOf(page, "Budgets")).toEqual(
      Object.entries(BUDGETS).map(([name, { per, rate, burst, about }]) => [
        name,
        per,
        rateOf(rate),
        burst.toLocaleString("en-US"),
        about.replaceAll("`", ""),
      ]),
    );
    expect(BUDGETS.messages).toMatchObject({
      rate: Number(SETTINGS.MESSAGE_RATE.fallback),
      burst: Number(SETTINGS.MESSAGE_BURST.fallback),
    });
  });
});
