import { type ChatStore, CommitFailure } from "../../src/chat/ports.ts";
import { emptyLists, nothingSaved, unmoderated } from "../support/stubs.ts";
import type { SimDatabase } from "./database.ts";
import { createPath, LIMIT_MS, type PathOptions } from "./path.ts";

interface StoreOptions extends PathOptions {
  readonly database: SimDatabase;
  note: ((line: string) => void) | undefined;
}

/** What the chat asks the database for. */
export function createStore(options: StoreOptions): ChatStore {
  const { database, reach, schedule, random, plan, note } = options;
  const { leg, later, read, write, orRefuse } = createPath(options);

  const messages: ChatStore["messages"] = {
    lanes: plan.lanes,

    commit: (lane, changes, careful) =>
      new Promise((resolve, reject) => {
        const unknown = (ms: number) =>
          later(ms, reject, new CommitFailure("unknown", new Error("simulated")));
        const carryOut = () => {
          const result = careful ? database.commitCarefully(changes) : database.commitNew(changes);
          note?.(
            `commit on lane ${lane}${careful ? ", careful" : ""}: ${result.outcomes
              .map((outcome, index) => {
                const { kind, room } = changes[index] ?? {};
                if (!outcome) return `${kind} in ${room} fenced off`;
                if ("refused" in outcome) return `${kind} in ${room} ${outcome.refused}`;
                return `${kind} ${room}.${outcome.ack.version}${outcome.state ? "" : " again"}`;
              })
              .join(", ")}`,
          );
          return result;
        };
        schedule.after(leg(), () => {
          if (reach.away) return unknown(reach.away === "hangs" ? LIMIT_MS : 1);
          const fate = plan.faulty ? random.next() / plan.commitFailures : 1;
          if (fate < 0.4) return unknown(leg());
          if (fate < 0.7) {
            // Timed out, and carried out all the same, perhaps after a retry.
            unknown(leg());
            return void schedule.after(random.between(0, 2_000), () => {
              try {
                carryOut();
              } catch {
                // Nobody waits for it any more.
              }
            });
          }
          try {
            const result = carryOut();
            if (fate < 1) unknown(leg());
            else later(leg(), resolve, result);
          } catch (error) {
            later(leg(), reject, error);
          }
        });
      }),

    answered: (change) => orRefuse(read(() => database.answered(change))),
    changesSince: (room, after) => read(() => database.changesSince(room, after)),
    postsSince: (room, after) => read(() => database.postsSince(room, after)),
    messages: (...of) => orRefuse(read(() => database.messages(...of))),
    pinned: (room, range) => orRefuse(read(() => database.pinned(room, range))),
    counters: (rooms) => read(() => database.counters(rooms)),
  };

  const { people, social, threads, watched } = database;
  const by = (userId: number) => ({ id: `${userId}`, username: `user${userId}` });
  return {
    messages,
    members: {
      join: (seats) => write(() => database.join(seats)),
      memberships: (seats) => orRefuse(read(() => database.memberships(seats))),
      leave: (seat) => write(() => database.leave(seat)),
      mark: (marks) => write(() => database.mark(marks)),
      departures: (userIds) => orRefuse(read(() => people.departures(userIds))),
    },
    // Everyone's id is their number.
    people: { find: (names) => orRefuse(read(() => names.map((name) => Number(name) || null))) },
    moderation: {
      ...unmoderated,
      blocks: {
        ...unmoderated.blocks,
        block: (...pair) => write(() => social.block(...pair)),
        unblock: (...pair) => write(() => social.unblock(...pair)),
      },
      invitations: {
        ...unmoderated.invitations,
        create: (creator, wanted) =>
          write(() => {
            const made = social.create(creator, wanted);
            return made && typeof made === "object" ? { ...made, by: by(creator.userId) } : made;
          }),
        revoke: (creator, id, scope) => write(() => social.revoke(creator, id, scope)),
        roomOf: (hash, userId) => orRefuse(read(() => social.roomOf(hash, userId, random.chance(0.5)))),
      },
    },
    threads: {
      seat: (...of) => orRefuse(read(() => threads.seat(...of))),
      change: (...of) => write(() => threads.change(...of)),
      list: () => orRefuse(read(threads.list)),
      news: (...of) => orRefuse(read(() => threads.news(...of))),
    },
    files: {
      visible: (...asked) => orRefuse(read(() => database.files.visible(...asked))),
      unsent: async () => [],
    },
    saved: nothingSaved,
    lists: emptyLists,
    watch: {
      roomsOf: (userIds) => orRefuse(read(() => watched.roomsOf(userIds))),
      states: (roomIds) => orRefuse(read(() => watched.states(roomIds))),
      changes: (after, limit) => orRefuse(read(() => watched.changes(after, limit))),
      mentioning: (rooms) => orRefuse(read(() => watched.mentioning(rooms))),
      mentions: (news) => orRefuse(read(() => watched.mentions(news))),
      stamp: () => orRefuse(read(watched.stamp)),
    },
  };
}
