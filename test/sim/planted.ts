import type { Mutant } from "../support/mutants.ts";
import { ACCESS } from "./planted-access.ts";
import { CLIENT } from "./planted-client.ts";
import { FILES } from "./planted-files.ts";
import { PEOPLE } from "./planted-people.ts";
import { THREADS } from "./planted-threads.ts";
import { WATCH } from "./planted-watch.ts";

/** Bugs in the chat core or the client, which the simulation must find. Their files are in `src/chat`. */
export const MUTANTS: readonly Mutant[] = [
  {
    name: "a message that overtakes one that is still being checked",
    file: "access/screening.ts",
    from: "          held.end = end;\n",
    to: "          held.end = () => {};\n          for (const answer of held.answers) end?.(answer);\n",
  },
  {
    name: "an edit that nobody checks",
    file: "access/screening.ts",
    from: `wish.kind === "post" || wish.kind === "edit"`,
    to: `wish.kind === "post"`,
  },
  {
    name: "a repeat of what is being checked with a text of its own",
    file: "access/screening.ts",
    from: "isAsked ? asked.get(key) : undefined",
    to: "undefined as Held | undefined",
  },
  {
    name: "the ack before the commit",
    file: "room/committer.ts",
    from: "        const result = await store.commit(lane.index, changes, careful);\n",
    to: `        for (const pending of rest)
          answer(pending, { id: 1, version: 1, timestamp: new Date(clock.now()).toISOString(), duplicate: false });
        const result = await store.commit(lane.index, changes, careful);\n`,
  },
  {
    name: "acknowledged though the outcome is not known",
    file: "room/committer.ts",
    from: `answer(pending, new Refusal("unavailable", { retryAfterMs: BUSY_RETRY_MS }));`,
    to: `answer(pending, { id: 1, version: 1, timestamp: "", duplicate: true });`,
  },
  {
    name: "released advanced past a hole",
    file: "room/timeline.ts",
    from: "held.find(({ from }) => from <= released + 1)",
    to: "held.find(({ from }) => from <= released + 2)",
  },
  {
    name: "released advanced past a hole, at once",
    file: "room/timeline.ts",
    from: "held.length === 0 && change.from <= released + 1",
    to: "held.length === 0 && change.from <= released + 2",
  },
  {
    name: "a range of another node believed, however far it reaches",
    file: "room/rooms.ts",
    from: "to - from < RANGE_MAX && states.at(-1)?.version === to",
    to: "from <= to || states.length === 0",
  },
  {
    name: "the subscription one tick late",
    file: "connection/subscription.ts",
    from: "    reader.socket.subscribe(this.topic);\n",
    to: "    void Promise.resolve().then(() => reader.socket.subscribe(this.topic));\n",
  },
  {
    name: "a frame over budget lost",
    file: "connection/intake.ts",
    from: "        this.held = held.slice(index);\n",
    to: "        this.held = held.slice(index + 1);\n",
  },
  {
    name: "a socket over budget never read again",
    file: "connection/intake.ts",
    from: `    this.owner.writer.resume("flooding");\n`,
    to: "",
  },
  {
    name: "a command over budget without its reply",
    file: "codecs/v1.ts",
    from: `if (ref !== undefined) this.refuse(new Refusal("rate_limited", { retryAfterMs }), ref);`,
    to: "void [retryAfterMs, ref];",
  },
  {
    name: "the duplicate check gone",
    file: "room/decide.ts",
    from: "    if (before) return repeated(change, before);\n",
    to: "    if (before && before.ack.id < 0) return repeated(change, before);\n",
  },
  {
    name: "a duplicate answered with an ack of its own",
    file: "room/decide.ts",
    from: "? { ack: { ...ack, duplicate: true }, state: null }",
    to: "? { ack: { ...ack, timestamp: new Date(0).toISOString(), duplicate: true }, state: null }",
  },
  {
    name: "lag() resumes one version late",
    file: "connection/subscription.ts",
    from: "this.position = this.since = this.timeline.released;",
    to: "this.position = this.since = this.timeline.released + 1;",
  },
  {
    name: "the end of a catch-up page off by one",
    file: "connection/subscription.ts",
    from: "Math.min(page.end, released)",
    to: "Math.min(page.end + 1, released)",
  },
  {
    name: "a page sends changes beyond released",
    file: "codecs/v1.ts",
    from: "if (message.version > released) return undefined;",
    to: "if (message.version > released + 1) return undefined;",
  },
  {
    name: "what was lost is not looked for",
    file: "room/rooms.ts",
    from: "const found = { released: versions.get(room) ?? 0, fence: fences.get(room) ?? 0 };",
    to: "const found = before[index] as Standing; void [versions, fences, room];",
  },
  {
    name: "changes of another epoch taken for ours",
    file: "room/rooms.ts",
    from: 'if (!("epoch" in news) || news.epoch !== epoch) return;',
    to: 'if (!("epoch" in news)) return;',
  },
  {
    name: "the counter read before the bus is subscribed to, and a new epoch not seen",
    file: "room/rooms.ts",
    from: "    if (newEpoch === epoch) return;\n",
    to: "    if (newEpoch !== epoch || newEpoch === epoch) return;\n",
  },
  {
    name: "a reader from a node that was ahead begins anew",
    file: "room/catchup.ts",
    from: "if (since?.epoch !== timeline.epoch || since.version <= timeline.released) return timeline;",
    to: "return timeline;",
  },
  {
    name: "a position of another epoch believed",
    file: "connection/subscription.ts",
    from: "if (since?.epoch !== epoch || since.version > released || since.version < beginsAfter) return undefined;",
    to: "if (!since || epoch === undefined || since.version > released || since.version < beginsAfter) return undefined;",
  },
  {
    name: "joined sends are not answered",
    file: "room/committer.ts",
    from: "for (const also of pending.joined) {",
    to: "for (const also of pending.joined.slice(1)) {",
  },
  {
    name: "a bad row fails its neighbours",
    file: "room/committer.ts",
    from: "if (batch.length === 1 && only) return",
    to: 'if (batch.length < 3 && only) return batch.forEach((one) => answer(one, new Refusal("invalid"))); if (only && !only) return',
  },
  {
    name: "a leaving node drops its queue",
    file: "chat.ts",
    from: "      await committer.drain();\n",
    to: "",
  },
  {
    name: "feeds that never end",
    file: "connection/connection.ts",
    from: "    for (const { timeline } of this.subscriptions) this.leave(timeline.room);\n",
    to: "",
  },
  {
    name: "what is new is told by the version before each message, not before its range",
    file: "codecs/v1.ts",
    from: "change: changeOf(message, known), prev }",
    to: "change: changeOf(message, prev), prev }",
  },
  {
    name: "a plain range in the order of versions",
    file: "codecs/plain.ts",
    from: ".sort((a, b) => a.id - b.id)",
    to: "",
  },
  {
    name: "what changes nothing is not recorded",
    file: "room/decide.ts",
    from: `    if (change.kind !== "post" && change.kind !== "remove") recorded.push`,
    to: `    if (change.kind !== "post" && change.kind !== "remove" && changed) recorded.push`,
  },
  {
    name: "data lost in an edit that does not replace it",
    file: "room/decide.ts",
    from: "const { data = message.data } = change;",
    to: "const { data = null } = change;",
  },
  {
    name: "data lost in a replay",
    file: "codecs/encode.ts",
    from: 'data === null ? "" :',
    to: 'data === null || event.replay ? "" :',
  },
  {
    name: "the reactions of a deleted message kept",
    file: "room/decide.ts",
    from: "  files: null,\n  reactors: [],\n  deletedAt: at,\n",
    to: "  files: null,\n  deletedAt: at,\n",
  },
  {
    name: "a deleted message keeps its mentions",
    file: "room/decide.ts",
    from: "  mentions: null,\n  data: null,\n",
    to: "  data: null,\n",
  },
  {
    name: "an edit adds mentions and removes none",
    file: "room/mentioning.ts",
    from: "  const people = new Map<number, Person>();\n",
    to: "  const people = new Map(old.map((one) => [one.userId, one]));\n",
  },
  {
    name: "people are mentioned who may not read the room",
    file: "room/mentioning.ts",
    from: "if (person && mayRead(person.userId))",
    to: "if (person)",
  },
  {
    name: "anyone mentions everyone",
    file: "room/mentioning.ts",
    from: "if (!addressing.everyone || old?.mentions?.everyone || senderId === SYSTEM_ID) return addressing;",
    to: "if (senderId >= SYSTEM_ID) return addressing;",
  },
  {
    name: "an ack of a repeat forgets who was not reached",
    file: "room/decide.ts",
    from: "? { ack: { ...ack, duplicate: true }, state: null }",
    to: "? { ack: { ...ack, unreached: undefined, duplicate: true }, state: null }",
  },
  {
    name: "a deleted message can be changed",
    file: "room/decide.ts",
    from: "  if (message.deletedAt !== null)\n",
    to: "  if (message.deletedAt === undefined)\n",
  },
  {
    name: "another's message can be changed",
    file: "room/decide.ts",
    from: `return "forbidden";\n`,
    to: `return { ...message };\n`,
  },
  {
    name: "a client id stands for another kind of change",
    file: "room/decide.ts",
    from: "kind === change.kind && (",
    to: "true || (",
  },
  {
    name: "who is overrun reads on before the jump",
    file: "room/timeline.ts",
    from: "    const readOn = options.overrun();\n    released = noted = to;\n    forgetPages();\n",
    to: "    options.overrun()();\n    const readOn = () => {};\n    released = noted = to;\n",
  },
  {
    name: "a full socket does not lag",
    file: "connection/writer.ts",
    from: "    for (const each of this.owner.subscriptions) if (each.lag()) this.isBehind(each);\n",
    to: "",
  },
  {
    name: "a drained socket is not read again",
    file: "connection/writer.ts",
    from: `    this.resume("lagging");\n`,
    to: "",
  },
  {
    name: "joining makes nobody a member",
    file: "connection/arrival.ts",
    from: "const reading = await members.join(pass);",
    to: "const reading = { lastRead: 0, unread: 0 }; void members;",
  },
  {
    name: "posting makes nobody a member",
    file: "room/decide.ts",
    from: "rulings.enrol({ userId: change.senderId, room: change.room }, next);",
    to: "void rulings;",
  },
  {
    name: "a repeated post makes its sender a member again",
    file: "room/decide.ts",
    from: "    if (before) return repeated(change, before);\n",
    to: `    if (before && change.kind === "post")
      rulings.enrol({ userId: change.senderId, room: change.room }, before.ack.version);
    if (before) return repeated(change, before);\n`,
  },
  {
    name: "a banned person enters",
    file: "rights.ts",
    from: `  if (membership.banned && (kind !== "open" || action !== "leave")) return "forbidden";\n`,
    to: "",
  },
  {
    name: "a departure on one node never reaches the others",
    file: "connection/guard.ts",
    from: "    every(clock, CHECK_MS, () => checkRooms(everyone()).catch(ignore)),\n",
    to: "    every(clock, CHECK_MS, () => void everyone),\n",
  },
  {
    name: "an old answer of the database ends a new subscription",
    file: "connection/guard.ts",
    from: "if (theirs) connection.depart(theirs, subscriptions);",
    to: "if (theirs && subscriptions) connection.depart(theirs, connection.subscriptions);",
  },
  {
    name: "leaving for good leaves the sockets in the room",
    file: "chat.ts",
    from: `      guard.expel(room, "left", open);\n      if (!left) return;\n      memberships.left({ userId, room });\n`,
    to: "      void [open, left]; memberships.left({ userId, room }); if (left !== undefined) return;\n",
  },
  {
    name: "leaving for good takes out whoever has joined again",
    file: "chat.ts",
    from: `guard.expel(room, "left", open);`,
    to: `void open; guard.expel(room, "left", hub.subscriptionsOf(userId));`,
  },
  ...PEOPLE,
  ...ACCESS,
  ...WATCH,
  ...FILES,
  ...THREADS,
  ...CLIENT,
];
