import { createDialler } from "./dial.ts";
import { createMember, createRoom, createTally, type Member, type Room } from "./member.ts";
import type { Replies, Order, Said } from "./orders.ts";
import { createScanner } from "./scan.ts";
import { createTalk } from "./talk.ts";

// A load process. It drives many sockets as its parent orders.

/** Further problems are only counted. */
const PROBLEMS_SHOWN = 10;
const WAIT_MS = 15_000;

/** Microseconds of the machine's monotonic clock, which all load processes share. */
const offset = Number(process.hrtime.bigint()) / 1000 - performance.now() * 1000;
const now = () => performance.now() * 1000 + offset;

let members: Member[] = [];
let rooms = new Map<string, Room>();
let tally = createTally();
let problems: string[] = [];
let problemCount = 0;
let chunkAt = 0;

const problem = (text: string) => {
  if (++problemCount <= PROBLEMS_SHOWN) problems.push(text);
};
const talk = createTalk(now);
const scanner = createScanner({
  tally: () => tally,
  answered: talk.answered,
  live: (member) => dialler.live(member),
  problem,
});
const dialler = createDialler({
  take(member, bytes, from, to) {
    if (chunkAt === 0) chunkAt = now(); // all frames of a chunk arrived together
    scanner.take(member, bytes, from, to, chunkAt);
  },
  ping: (_, payload) => talk.pong(payload),
  chunk(member, bytes) {
    chunkAt = 0;
    tally.bytes += bytes;
    talk.flush(member);
  },
  drained: talk.drained,
  problem,
});

const roomOf = (name: string) => {
  const room = rooms.get(name) ?? createRoom(name);
  rooms.set(name, room);
  return room;
};

const until = async (limitMs: number, done: () => boolean) => {
  const end = performance.now() + limitMs;
  while (!done() && performance.now() < end) await Bun.sleep(2);
};

const saidHere = (): Record<string, Said> =>
  Object.fromEntries([...rooms.values()].map(({ name, count, sum }) => [name, { count, sum }]));

async function open(opening: readonly Member[], parallel: number, overMs?: number) {
  const took = await dialler.dial(opening, parallel, overMs);
  return { live: members.filter(({ state }) => state === "live").length, ...took };
}

const orders: { [K in Order["do"]]: (order: Extract<Order, { do: K }>) => Promise<Replies[K]> | Replies[K] } =
  {
    dial({ seats, parallel, overMs, ...options }) {
      const fresh = seats.map((seat) => {
        const room = seat.room === null ? undefined : roomOf(seat.room);
        const member = createMember(seat, room, options);
        room?.members.push(member);
        return member;
      });
      members.push(...fresh);
      return open(fresh, parallel, overMs);
    },
    return: ({ parallel }) =>
      open(
        members.filter(({ state }) => state === "closed"),
        parallel,
      ),
    async cut({ listeners }) {
      const chosen = members.filter(({ seat, state }) => state !== "closed" && !(listeners && seat.speaks));
      for (const { socket } of chosen) socket?.terminate();
      await until(WAIT_MS, () => chosen.every(({ state }) => state === "closed"));
      return { cut: chosen.length };
    },
    async leave() {
      const left = members;
      for (const { socket } of left) socket?.end();
      await until(WAIT_MS, () => left.every(({ state }) => state === "closed"));
      members = [];
      rooms = new Map();
      return { left: left.length };
    },
    talk({ pace }) {
      const speakers = members.filter(({ seat, state }) => seat.speaks && state === "live");
      talk.start(speakers, pace);
      return { speakers: speakers.length };
    },
    async hush({ finish }) {
      if (finish)
        await until(finish, () => members.every(({ left, unanswered }) => left === 0 && unanswered === 0));
      talk.stop();
      await until(WAIT_MS, () => members.every(({ unanswered }) => unanswered <= 0));
      for (const { seat, unanswered } of members)
        if (unanswered > 0) problem(`${unanswered} messages of ${seat.username} were not acknowledged`);
      return { said: saidHere() };
    },
    async settle({ said, limitMs }) {
      const has = ({ seat, state, received, sum }: Member) => {
        const all = said[seat.room ?? ""] ?? { count: 0, sum: 0 };
        return state === "live" && received === all.count && sum === all.sum;
      };
      await until(limitMs, () => members.every(has));
      for (const member of members) {
        const { seat, received, state } = member;
        if (!has(member))
          problem(
            `${seat.username} (${state}) received ${received} of ${said[seat.room ?? ""]?.count ?? 0} messages in ${seat.room}`,
          );
      }
      const rest = problemCount - problems.length;
      const reply = { problems: rest > 0 ? [...problems, `and ${rest} more`] : problems };
      [problems, problemCount] = [[], 0];
      return reply;
    },
    mark() {
      const { ack, delivery, last, ...counts } = tally;
      tally = createTally();
      return { ...counts, ack: [...ack], delivery: [...delivery], last: [...last] };
    },
  };

process.on("message", async ({ id, order }: { id: number; order: Order }) => {
  const reply = await orders[order.do](order as never);
  process.send?.({ id, reply });
});
process.on("disconnect", () => process.exit(0));
