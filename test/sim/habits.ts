import type { World } from "./world.ts";

/** What one real client asks of its product and of the server, and whether it asks too often, too late or out of order. */
export interface Habits {
  /** It opens a socket with a token, or sends a newer one. */
  token(token: string): void;
  /** The server closes the socket. */
  closed(code: number): void;
  /** It joins a room. `has`: it has some of the room. */
  join(room: string, since: string | undefined, has: boolean): void;
  /** It shows these entries of a room. */
  shows(room: string, entries: readonly { readonly id: number; readonly version: number }[]): void;
  /** The application did something for which the client may ask for a token, or join. */
  reason(isRenewal?: boolean): void;
  /** The application posts in a room. Returns a function to call with the id of the message. */
  post(room: string): (id: number) => void;
  /** From now on, everything counts; of tokens that expire, what the client could renew since `freeAt`. */
  stay(asked: number, freeAt: number): void;
  stayed(asked: number): void;
}

/** How often a client may ask for a token while its product fails once. */
const ATTEMPTS = 14;
/** In less of its life than this, no token is renewed, unless half of it had passed before. */
const LITTLE = 0.05;
/** Tokens that live shorter, which only a failing product gives, may expire: two renewals are at least 2 s apart. */
const RENEWABLE_MS = 4_000;
/** Reasons within this time are one, in milliseconds. */
const MOMENT_MS = 1;

export function createHabits(name: string, world: World): Habits {
  const { schedule, plan, database } = world;
  /** The tokens of the present socket. */
  let tokens: string[] = [];
  let begun = Number.POSITIVE_INFINITY;
  let renewsFrom = Number.POSITIVE_INFINITY;
  let askedBefore = 0;
  let reasons = 0;
  let lastReason = Number.NEGATIVE_INFINITY;
  const joins = new Map<string, number>();
  const versions = new Map<string, Map<number, number>>();
  const posts = new Map<string, { id: number | undefined }[]>();

  return {
    token: (token) => void tokens.push(token),
    closed(code) {
      const lives = tokens.flatMap((token) => world.tokens.lifeOf(token) ?? []);
      tokens = [];
      reasons++;
      if (code !== 4001 || !world.staying) return;
      const last = lives.filter(({ to }) => to <= schedule.now).sort((a, b) => b.to - a.to)[0];
      // What was late before the stay may have been late for another reason.
      if (last && last.to - last.from > RENEWABLE_MS && (last.from + last.to) / 2 > renewsFrom)
        world.fail(
          "a socket was closed because its token expired",
          `${name}: lived ${last.to - last.from} ms`,
        );
    },
    join(room, since, has) {
      joins.set(room, (joins.get(room) ?? 0) + 1);
      if (has && since === undefined)
        world.fail("a client joined again without its position", `${name}: ${room}`);
    },
    shows(room, entries) {
      const before = versions.get(room) ?? new Map<number, number>();
      versions.set(room, before);
      for (const { id, version } of entries) {
        if (version < (before.get(id) ?? 0) && !database.isRestored)
          world.fail("a client shows an older state of a message", `${name}: ${room}.${id} at ${version}`);
        before.set(id, version);
      }
    },
    reason(isRenewal = false) {
      if (isRenewal || schedule.now - lastReason > MOMENT_MS) reasons++;
      // What is wanted after a renewal has begun needs another one.
      if (!isRenewal) lastReason = schedule.now;
    },
    post(room) {
      const mine: { id: number | undefined } = { id: undefined };
      const line = posts.get(room) ?? [];
      posts.set(room, [...line, mine]);
      return (id) => {
        mine.id = id;
        const all = posts.get(room) ?? [];
        const at = all.indexOf(mine);
        const isOdd = all.some(
          (other, where) => other.id !== undefined && where !== at && where < at !== other.id < id,
        );
        if (isOdd && !database.isRestored)
          world.fail("messages were committed in another order", `${name}: ${room}.${id}`);
      };
    },
    stay(asked, freeAt) {
      begun = schedule.now;
      renewsFrom = Math.max(begun, freeAt);
      askedBefore = asked;
      reasons = 0;
      joins.clear();
    },
    stayed(asked) {
      const calls = asked - askedBefore;
      const lives = (schedule.now - begun) / plan.tokenLifeMs;
      const renewals = lives > LITTLE ? Math.ceil(lives * 2.5) : 0;
      // One request may have waited since before the stay.
      const may = 1 + reasons + renewals + (plan.flaky ? Math.ceil(lives + 1) * ATTEMPTS : 0);
      if (calls > may) world.fail("a client asked for too many tokens", `${name}: ${calls} of ${may}`);
      for (const [room, count] of joins)
        if (count > 2 * (1 + reasons + calls))
          world.fail("a client joined a room too often", `${name}: ${room}, ${count} times`);
    },
  };
}
