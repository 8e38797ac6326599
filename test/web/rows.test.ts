import { describe, expect, test } from "bun:test";
import type { Message } from "../../src/client/index.ts";
import { firstNewOf, type Row, rowsOf } from "../../src/web/conversation/rows.ts";
import { around, earlier, heldBy, later, SPAN, spanOf } from "../../src/web/conversation/span.ts";

const ADA = { id: "u_ada", username: "ada" };

const said = (id: number, username: string, minute = id): Message => ({
  id,
  version: id,
  username,
  user: { id: `u_${username}` },
  content: `${id}`,
  timestamp: new Date(2026, 4, 5, 9, minute).toISOString(),
  clientId: `client-${id}`,
});

const rows = (messages: Message[], more = {}) =>
  rowsOf({
    messages,
    notices: [],
    span: { from: 0, to: messages.length },
    more: false,
    firstNew: undefined,
    waiting: [],
    sending: [],
    refused: [],
    me: ADA,
    ...more,
  });
const shape = (list: Row[]) =>
  list.map((row) => (row.kind === "message" ? `${row.head ? "head " : ""}${row.message.id}` : row.kind));

describe("the rows of a conversation", () => {
  test("repeat the sender's name after a while, after another sender and in a reply", () => {
    const messages = [
      said(1, "ben"),
      said(2, "ben"),
      said(3, "ada"),
      said(4, "ada", 30),
      { ...said(5, "ada", 31), replyTo: 1 },
    ];
    expect(shape(rows(messages))).toEqual(["day", "head 1", "2", "head 3", "head 4", "head 5"]);
  });

  test("have a divider between days, but not before the first loaded message if there are more", () => {
    const messages = [said(1, "ben"), said(2, "ben", 24 * 60)];
    expect(shape(rows(messages))).toEqual(["day", "head 1", "day", "head 2"]);
    expect(shape(rows(messages, { more: true }))).toEqual(["head 1", "day", "head 2"]);
  });

  test("have a divider before the first unread message of another person", () => {
    const messages = [said(1, "ben"), said(2, "ada"), said(3, "ben"), said(4, "ben")];
    const state = { messages, more: false };
    expect(firstNewOf(state, 1, ADA)).toBe(3);
    expect(firstNewOf({ ...state, more: true }, 0, ADA)).toBeUndefined();
    expect(shape(rows(messages, { firstNew: 3 }))).toEqual(["day", "head 1", "head 2", "new", "head 3", "4"]);
  });

  test("end with refused and waiting messages; a waiting one keeps its key when it is committed", () => {
    const change = { type: "send", room: "r", clientId: "client-2", content: "2" } as const;
    const refused = { clientId: "client-9", content: "9", why: "no" };
    const list = rows([said(1, "ada")], { waiting: [change], refused: [refused] });
    expect(list.map(({ kind }) => kind)).toEqual(["day", "message", "refused", "waiting"]);
    const [, , committed] = rows([said(1, "ada"), said(2, "ada")]);
    expect(list.at(-1)?.key).toBe(committed?.key ?? "");
  });
});

describe("the span of messages on the page", () => {
  const messages = Array.from({ length: 1_000 }, (_, at) => said(at + 1, "ben", 0));

  test("starts at the newest messages and follows them", () => {
    expect(spanOf(messages, {}, true)).toEqual({ from: 1_000 - SPAN.first, to: 1_000 });
    const held = heldBy(messages, { from: 800, to: 1_000 });
    expect(spanOf([...messages, said(1_001, "ben", 0)], held, true).to).toBe(1_001);
  });

  test("moves to the beginning and back in steps, never exceeds its limit, and skips nothing", () => {
    let span = spanOf(messages, {}, true);
    for (let steps = 0; span.from > 0; steps++) {
      const next = spanOf(messages, earlier(messages, span), false);
      expect(next.to).toBeGreaterThan(span.from);
      expect(next.to - next.from).toBeLessThanOrEqual(SPAN.most);
      expect(steps).toBeLessThan(100);
      span = next;
    }
    for (let steps = 0; span.to < 1_000; steps++) {
      const next = spanOf(messages, later(messages, span), false);
      expect(next.from).toBeLessThan(span.to);
      expect(next.to - next.from).toBeLessThanOrEqual(SPAN.most);
      expect(steps).toBeLessThan(100);
      span = next;
    }
  });

  test("keeps its messages when older ones are loaded before them", () => {
    const newer = messages.slice(500);
    const held = heldBy(newer, { from: 10, to: 50 });
    const span = spanOf(messages, held, false);
    expect([messages[span.from]?.id, messages[span.to - 1]?.id]).toEqual([511, 550]);
  });

  test("surrounds the target of a jump", () => {
    const span = spanOf(messages, around(messages, 300), false);
    expect(span.from).toBeLessThan(299);
    expect(span.to).toBeGreaterThan(300);
  });
});
