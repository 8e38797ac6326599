import { afterAll, beforeAll, beforeEach, expect, setDefaultTimeout, test } from "bun:test";
import { createCursorStore, type CursorStore, type Leased } from "../../src/store/cursors.ts";
import { createHookReading, type HookReading } from "../../src/store/hookreading.ts";
import { acksOf, onEachDriver, post, type Stocked, stock } from "../chat/stocked.ts";
import { START_MS } from "../support/house.ts";

setDefaultTimeout(60_000);

// The batches of webhooks: the same one comes again whatever happened in between. On each driver.

onEachDriver((open) => {
  let at: Stocked;
  let cursors: CursorStore;
  let reading: HookReading;
  let hook: string;
  let room: string;

  beforeAll(async () => {
    at = await stock(open);
    cursors = createCursorStore(at.database);
    reading = createHookReading(at.database);
  }, START_MS);
  afterAll(() => at.database.close());
  beforeEach(() => {
    hook = `hook:${crypto.randomUUID()}`;
    room = `r-${crypto.randomUUID()}`;
  });

  const say = async (...contents: readonly string[]) =>
    acksOf(
      await at.store.commit(
        0,
        contents.map((content) => post(at.ada, room, content)),
        false,
      ),
    );
  const change = async (id: number, kind: "edit" | "delete", content = "") => {
    const { clientId: _, ...base } = post(at.ada, room, content);
    acksOf(await at.store.commit(0, [{ ...base, kind, id, clientId: crypto.randomUUID() } as never], true));
  };
  /** A process takes the room. Its lease ends at once, as after a crash. */
  const claim = async () => {
    const { leased } = await cursors.claim(hook, { names: [room], ids: [] }, { limit: 1, leaseMs: 0 });
    return leased[0] as Leased;
  };
  const read = async ({ roomId, after, upto }: Leased) => {
    const batch = await reading.read(roomId, after, upto);
    return { upto: batch.upto, contents: batch.messages.map(({ content }) => content) };
  };

  test("after a crash the same batch comes again, and what was committed since is the next one", async () => {
    await say("1", "2");
    const first = await claim();
    expect(await read(first)).toEqual({ upto: 2, contents: ["1", "2"] });
    expect(await cursors.fix(hook, first, 2, 0)).toBe(true);
    await say("3");
    const second = await claim();
    expect(second).toMatchObject({ after: 0, upto: 2 });
    expect(await read(second)).toEqual({ upto: 2, contents: ["1", "2"] });
    // The process that was taken for dead changes nothing any more.
    expect(await cursors.fix(hook, first, 3, 0)).toBe(false);
    expect(await cursors.advance(hook, first, 2, { leaseMs: 0, release: true })).toBe(false);
    await cursors.advance(hook, second, 2, { leaseMs: 0, release: true });
    const third = await claim();
    expect(third).toMatchObject({ after: 2, upto: null });
    expect(await read(third)).toEqual({ upto: 3, contents: ["3"] });
  });

  test("a message that changed before it was read comes at its place, and its change follows", async () => {
    await say("1", "2", "3");
    await change(1, "edit", "one");
    await change(2, "delete");
    const leased = await claim();
    expect(await read({ ...leased, upto: 2 })).toEqual({ upto: 2, contents: ["one", ""] });
    expect(await read({ ...leased, after: 2 })).toEqual({ upto: 5, contents: ["3", "one", ""] });
  });

  test("a batch ends before 64 KiB, or holds a single message", async () => {
    const long = "x".repeat(4000);
    await say(...Array.from({ length: 30 }, () => long));
    const leased = await claim();
    let after = 0;
    let count = 0;
    while (after < 30) {
      const { upto, contents } = await read({ ...leased, after });
      expect(contents.length).toBe(upto - after);
      expect(contents.join("").length).toBeLessThanOrEqual(64 * 1024);
      [after, count] = [upto, count + 1];
    }
    expect(count).toBeGreaterThan(1);
  });

  test("a batch has 100 versions at most", async () => {
    await say(...Array.from({ length: 150 }, (_, n) => `${n}`));
    expect((await read(await claim())).upto).toBe(100);
  });

  test("a consumer that begins at the present end gets what follows, and rooms of other names have no cursor", async () => {
    await say("before");
    for (let next: number | null = 0; next !== null;) next = await cursors.begin(hook, next, [room]);
    expect(await claim()).toBeUndefined();
    await say("after");
    expect(await read(await claim())).toEqual({ upto: 2, contents: ["after"] });
    const slices: number[] = [];
    for (let next: number | null = 0; next !== null;) {
      const slice = await cursors.behind(`${hook}-other`, next, [room]);
      slices.push(...slice.behind);
      next = slice.next;
    }
    expect(slices).toHaveLength(1);
  });
});
