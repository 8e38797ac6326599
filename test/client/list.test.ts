import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { createList, type List } from "../../src/client/list.ts";
import type { Entry, MessageFrame, NoticeFrame } from "../../src/client/message.ts";

type Frame = MessageFrame | NoticeFrame;

/** A frame without `prev` and `replay`. */
const frameOf = (entry: Entry): Frame =>
  entry.notice
    ? { ...entry, type: "notice", room: "hall" }
    : { ...entry, type: "message", room: "hall", change: "updated" };

/** The server's side of a room: all posts, changes and notices, version by version, for someone who sees all from an id on. */
function createRoom() {
  const states = new Map<number, Entry>();
  /** The room's entries at each version, so that a page can be read at any of them. */
  const snapshots: ReadonlyMap<number, Entry>[] = [new Map()];
  const log: Entry[] = [];
  const take = (entry: Entry) => {
    states.set(entry.id, entry);
    log.push(entry);
    snapshots.push(new Map(states));
  };
  return {
    log,
    /** What the person sees begins here. */
    floor: 1,
    get version() {
      return log.length;
    },
    post() {
      const id = log.length + 1;
      const clientId = String(id);
      take({
        id,
        version: id,
        username: "ben",
        user: { id: "u_ben" },
        content: `${id}`,
        timestamp: "",
        clientId,
      });
    },
    notice() {
      const id = log.length + 1;
      const by = { id: "u_ben", username: "ben" };
      take({ id, version: id, timestamp: "", by, notice: { type: "title", users: [], title: `${id}` } });
    },
    change(choice: number) {
      const ids = [...states.values()].filter(({ notice }) => !notice).map(({ id }) => id);
      const old = states.get(ids[choice % ids.length] ?? 0);
      if (old && !old.notice)
        take({ ...old, version: log.length + 1, content: `changed at ${log.length + 1}` });
    },
    /** Undefined: it is withheld, and the person is only told its version. */
    live(version: number): Frame | undefined {
      const entry = log[version - 1] as Entry;
      return entry.id < this.floor ? undefined : { ...frameOf(entry), prev: version - 1 };
    },
    /** What changed after a version, each in its latest state. */
    replay(since: number): Frame[] {
      return [...states.values()]
        .filter(({ id, version }) => version > since && id >= this.floor)
        .toSorted((a, b) => a.version - b.version)
        .map((entry) => ({ ...frameOf(entry), replay: true }));
    },
    page(before: number, limit: number, at: number) {
      const older = [...(snapshots[at]?.values() ?? [])]
        .filter(({ id }) => id < before && id >= this.floor)
        .toSorted((a, b) => a.id - b.id);
      return { messages: older.slice(-limit), more: older.length > limit };
    },
    /** All messages from an id on, in their latest state. */
    from: (id: number) => [...states.values()].filter((one) => one.id >= id).toSorted((a, b) => a.id - b.id),
  };
}

const joined = (version: number, resumed: boolean, epoch = "first", from = 1) =>
  ({ type: "joined", room: "hall", epoch, version, resumed, kind: "private", role: "member", from }) as const;

const STEPS = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant({ do: "post" } as const) },
    { weight: 2, arbitrary: fc.constant({ do: "notice" } as const) },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("readmit" as const), share: fc.integer({ min: 0, max: 4 }) }),
    },
    { weight: 4, arbitrary: fc.record({ do: fc.constant("change" as const), choice: fc.nat(1_000) }) },
    {
      weight: 8,
      arbitrary: fc.record({ do: fc.constant("deliver" as const), count: fc.integer({ min: 1, max: 5 }) }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ do: fc.constant("lose" as const), count: fc.integer({ min: 1, max: 3 }) }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant("cut" as const), seen: fc.nat(10) }) },
    { weight: 1, arbitrary: fc.constant({ do: "reset" } as const) },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant("ask" as const), limit: fc.integer({ min: 1, max: 7 }) }),
    },
    { weight: 3, arbitrary: fc.record({ do: fc.constant("page" as const), early: fc.nat(20) }) },
  ),
  { maxLength: 120 },
);

describe("a copy of a room", () => {
  test("equals the room from its first message on, whatever the network and the pages do", () => {
    fc.assert(
      fc.property(STEPS, fc.integer({ min: 1, max: 9 }), (steps, keep) => {
        const room = createRoom();
        const list = createList(keep);
        /** Live frames up to this version were delivered. */
        let delivered = 0;
        let asked: { from: number; limit: number; generation: number; at: number } | undefined;
        /** Counts how often the list was dropped. */
        let generation = 0;
        list.joined(joined(0, false));

        const resume = (seen = Infinity) => {
          const resumed = list.joined(joined(room.version, true, "first", room.floor));
          expect(resumed).toBe(true);
          const frames = room.replay(list.version);
          for (const frame of frames.slice(0, seen)) expect(list.take(frame)).not.toBe("gap");
          if (seen >= frames.length) list.synced(room.version);
          delivered = room.version;
          return seen >= frames.length;
        };

        const deliver = (version: number) => {
          const frame = room.live(version);
          // A `synced` does not show that something before it was lost, so here nothing is.
          const isLost = !frame && list.version < version - 1;
          if (isLost || (frame && list.take(frame) === "gap")) resume();
          else if (!frame) list.synced(version);
        };

        /** Checks that no message goes back to an older state. */
        let seen = { generation, versions: new Map<number, number>() };
        const look = () => {
          if (seen.generation !== generation) seen = { generation, versions: new Map() };
          for (const { id, version } of list.entries) {
            expect(id).toBeGreaterThanOrEqual(list.floor);
            expect(version).toBeGreaterThanOrEqual(seen.versions.get(id) ?? 0);
            seen.versions.set(id, version);
          }
        };

        for (const step of steps) {
          look();
          if (step.do === "post") room.post();
          if (step.do === "notice") room.notice();
          if (step.do === "readmit") {
            // The person was removed and added again, and sees more or less than before.
            room.floor = Math.max(1, Math.floor((room.version * step.share) / 4));
            asked = undefined;
            list.awaitPage(false);
            resume();
          }
          if (step.do === "change") room.change(step.choice);
          if (step.do === "deliver")
            for (let n = 0; n < step.count && delivered < room.version; n++) deliver(++delivered);
          if (step.do === "lose") delivered = Math.min(room.version, delivered + step.count);
          if (step.do === "cut" && !resume(step.seen)) resume();
          if (step.do === "reset") {
            list.joined(joined(room.version, false, "first", room.floor));
            generation++;
            delivered = room.version;
          }
          if (step.do === "ask" && !asked && list.more) {
            list.awaitPage(true);
            asked = { from: list.from, limit: step.limit, generation, at: delivered };
          }
          if (step.do === "page" && asked) {
            // The page shows the room at some version after the request.
            const at = Math.min(room.version, asked.at + step.early);
            const { messages, more } = room.page(asked.from, asked.limit, at);
            expect(list.page(messages, more)).toBe(generation === asked.generation);
            asked = undefined;
          }
        }
        resume();
        // By now, all changes were delivered that a page may have missed.
        expect(list.entries).toEqual(room.from(list.from));
        expect(list.messages as readonly Entry[]).toEqual(list.entries.filter(({ notice }) => !notice));
        expect(list.version).toBe(room.version);
        if (!list.more) expect(list.entries).toHaveLength(room.from(room.floor).length);
      }),
      { numRuns: 2_000 },
    );
  });

  const follow = (): List => {
    const list = createList(100);
    list.joined(joined(5, false));
    return list;
  };
  const frame = (id: number, version: number, more: Partial<MessageFrame> = {}): MessageFrame => ({
    type: "message",
    room: "hall",
    change: "updated",
    prev: version - 1,
    id,
    version,
    username: "ben",
    user: { id: "u_ben" },
    content: `v${version}`,
    timestamp: "",
    clientId: "",
    ...more,
  });

  test("ignores a change of a message before the loaded ones", () => {
    const list = follow();
    expect(list.take(frame(3, 6))).toBe("applied");
    expect(list.messages).toEqual([]);
    expect(list.version).toBe(6);
  });

  test("keeps a change that arrives while a page is loading", () => {
    const list = follow();
    list.awaitPage(true);
    list.take(frame(3, 6));
    const { type: _, room: __, change: ___, prev: ____, ...stale } = frame(3, 3);
    list.page([stale], true);
    expect(list.messages.map(({ content }) => content)).toEqual(["v6"]);
  });

  test("keeps a page's message if it is newer than such a change", () => {
    const list = follow();
    list.awaitPage(true);
    list.take(frame(3, 6));
    const { type: _, room: __, change: ___, prev: ____, ...newer } = frame(3, 7);
    list.page([newer], true);
    expect(list.messages.map(({ content }) => content)).toEqual(["v7"]);
  });

  test("is not trimmed while a page is loading", () => {
    const list = createList(2);
    list.joined(joined(5, false));
    list.awaitPage(true);
    for (let id = 6; id <= 9; id++) list.take(frame(id, id));
    const { type: _, room: __, change: ___, prev: ____, ...fifth } = frame(5, 5);
    list.page([fifth], true);
    expect(list.messages.map(({ id }) => id)).toEqual([5, 6, 7, 8, 9]);
  });

  test("never goes back to an earlier version", () => {
    const list = follow();
    list.synced(3);
    expect(list.version).toBe(5);
    expect(list.take(frame(4, 4))).toBe("old");
  });

  test("is a new array after each change, and otherwise the same", () => {
    const list = follow();
    const before = list.messages;
    expect(list.messages).toBe(before);
    list.take(frame(6, 6));
    expect(list.messages).not.toBe(before);
    expect(before).toEqual([]);
    const after = list.messages;
    list.take(frame(6, 6));
    expect(list.messages).toBe(after);
  });

  test("is dropped if the server continues from elsewhere, even if it says `resumed`", () => {
    for (const odd of [joined(9, true, "second"), joined(2, true), joined(9, false)]) {
      const list = follow();
      list.take(frame(6, 6));
      expect(list.joined(odd)).toBe(false);
      expect(list.messages).toEqual([]);
      expect(list.since).toBe(`${odd.epoch}.${odd.version}`);
    }
  });

  test("keeps the configured number of messages, plus loaded pages", () => {
    const list = createList(3);
    list.joined(joined(0, false));
    for (let id = 1; id <= 10; id++) list.take(frame(id, id));
    expect(list.messages.map(({ id }) => id)).toEqual([8, 9, 10]);
    expect(list.more).toBe(true);
    const { type: _, room: __, change: ___, prev: ____, ...seventh } = frame(7, 7);
    list.awaitPage(true);
    list.page([seventh], true);
    list.take(frame(11, 11));
    expect(list.messages.map(({ id }) => id)).toEqual([8, 9, 10, 11]);
  });

  test("stops paging if the server repeats a page", () => {
    const list = follow();
    const { type: _, room: __, change: ___, prev: ____, ...same } = frame(6, 6);
    list.awaitPage(true);
    list.page([same], true);
    expect(list.more).toBe(false);
  });
});
