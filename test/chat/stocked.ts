import { createStore, type MessageStore } from "../../src/store/messages.ts";
import type { Ack, Post } from "../../src/chat/room/change.ts";
import type { Committed } from "../../src/chat/ports.ts";
import type { Database } from "../../src/db/database.ts";
import { loadMeta } from "../../src/db/meta.ts";
import { users } from "../../src/db/schema.ts";
import { freshDatabase, neonDatabase, postgresDatabase, type TestDatabase } from "../support/database.ts";
import { needs } from "../support/needs.ts";

/** The drivers, each with what makes it a database of its own; those that need a server are skipped where there is none. */
export function onEachDriver(tests: (open: () => Promise<TestDatabase>) => void): void {
  needs()("on the embedded database", () => tests(freshDatabase));
  needs("TEST_DATABASE_URL")("on Postgres", () => tests(postgresDatabase));
  needs("TEST_DATABASE_URL")("on Neon's driver", () => tests(neonDatabase));
}

/** A database with two people in it, and the store over it. */
export interface Stocked {
  readonly database: TestDatabase;
  readonly store: MessageStore;
  readonly epoch: string;
  readonly ada: number;
  readonly ben: number;
  /** The store of another process on the same database; the embedded one shares its only connection. */
  another(): Promise<{ store: MessageStore; close(): Promise<void> }>;
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
    store: createStore(database),
    async another() {
      if (database.driver === "pglite") return { store: createStore(database), close: async () => {} };
      const second = await database.again();
      return { store: createStore(second), close: () => second.close() };
    },
  };
}

async function person(database: Database, username: string): Promise<number> {
  const [row] = await database.run((orm) =>
    orm.insert(users).values({ username, usernameFold: username }).returning({ id: users.id }),
  );
  return row?.id ?? 0;
}

/** A post with a client id of its own. */
export const post = (senderId: number, room: string, content: string, more: Partial<Post> = {}): Post => ({
  kind: "post",
  room,
  senderId,
  username: "ada",
  clientId: crypto.randomUUID(),
  content,
  replyTo: null,
  ...more,
});

/** The acks of a batch in which nothing is refused. */
export const acksOf = ({ outcomes }: Committed): Ack[] =>
  outcomes.map((outcome) => {
    if ("refused" in outcome) throw new Error(`refused: ${outcome.refused}`);
    return outcome.ack;
  });
