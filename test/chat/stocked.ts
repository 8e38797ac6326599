import type { Ack, Post } from "../../src/chat/change.ts";
import type { ListStore } from "../../src/chat/lists.ts";
import type { Committed, MemberStore, MessageStore, Seat } from "../../src/chat/ports.ts";
import type { ThreadStore } from "../../src/chat/threadports.ts";
import type { Database } from "../../src/db/database.ts";
import { loadMeta } from "../../src/db/meta.ts";
import { users } from "../../src/db/schema.ts";
import { createStore } from "../../src/store/store.ts";
import { freshDatabase, neonDatabase, postgresDatabase, type TestDatabase } from "../support/database.ts";
import { needs } from "../support/needs.ts";
import { ORDER } from "../support/order.ts";
import { named, userOf } from "../support/stubs.ts";
import { rulingsOf } from "./rulings.ts";

/** Runs tests on each driver. `open` creates a new database. Drivers that need a server are skipped if there is none. */
export function onEachDriver(tests: (open: () => Promise<TestDatabase>) => void): void {
  needs()("on the embedded database", () => tests(freshDatabase));
  needs("TEST_DATABASE_URL")("on Postgres", () => tests(postgresDatabase));
  needs("TEST_DATABASE_URL")("on Neon's driver", () => tests(neonDatabase));
}

/** A database with two people in it, and its stores. */
export interface Stocked {
  readonly database: TestDatabase;
  /** The message store. */
  readonly store: MessageStore;
  readonly members: MemberStore;
  readonly lists: ListStore;
  readonly threads: ThreadStore;
  readonly epoch: string;
  readonly ada: number;
  readonly ben: number;
  /** Opens the stores of another process on the same database. The embedded database shares its only connection. */
  another(): Promise<Pick<Stocked, "store" | "members"> & { close(): Promise<void> }>;
}

export async function stock(open: () => Promise<TestDatabase>): Promise<Stocked> {
  const database = await open();
  const { epoch } = await loadMeta(database);
  const [ada, ben] = [await person(database, "ada"), await person(database, "ben")];
  return {
    database,
    epoch,
    ada,
    ben,
    ...storesOf(database),
    async another() {
      if (database.driver === "pglite") return { ...storesOf(database), close: async () => {} };
      const second = await database.again();
      return { ...storesOf(second), close: () => second.close() };
    },
  };
}

function storesOf(database: Database) {
  const { messages, ...others } = createStore(database);
  return { store: completing(messages), ...others };
}

/** Bans someone from a room for the operator, or lifts the ban. Resolves to whether it changed anything. */
export const setBan = async (
  store: MessageStore,
  set: "banned" | "unbanned",
  { userId, room }: Seat,
  order = ORDER,
): Promise<boolean> => {
  const ruling = { ...rulingsOf("operator").appoint(room, set, [userId]), order };
  const [ack] = acksOf(await store.commit(0, [ruling], true));
  return (ack?.id ?? 0) > 0;
};

/** Commits what was fenced off carefully, as the committer does. */
export const completing = (store: MessageStore): MessageStore => ({
  ...store,
  async commit(lane, changes, careful) {
    const first = await store.commit(lane, changes, careful);
    const rest = changes.filter((_, index) => first.outcomes[index] === null);
    if (rest.length === 0) return first;
    const { epoch, outcomes } = await store.commit(lane, rest, true);
    const later = outcomes.values();
    return { epoch, outcomes: first.outcomes.map((outcome) => outcome ?? later.next().value ?? null) };
  },
});

async function person(database: Database, username: string): Promise<number> {
  const [row] = await database.run((orm) =>
    orm
      .insert(users)
      .values({ username, usernameFold: username, uid: userOf(username).id })
      .returning({ id: users.id }),
  );
  return row?.id ?? 0;
}

/** A post with a new client id. */
export const post = (senderId: number, room: string, content: string, more: Partial<Post> = {}): Post => ({
  kind: "post",
  room,
  senderId,
  ...named("ada"),
  clientId: crypto.randomUUID(),
  content,
  data: null,
  replyTo: null,
  fence: 0,
  ...more,
});

/** Returns the acks of a batch. Throws if any change was refused. */
export const acksOf = ({ outcomes }: Committed): Ack[] =>
  outcomes.map((outcome) => {
    if (!outcome) throw new Error("not committed");
    if ("refused" in outcome) throw new Error(`refused: ${outcome.refused}`);
    return outcome.ack;
  });
