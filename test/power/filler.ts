import { sql } from "drizzle-orm";
import type { Post } from "../../src/chat/change.ts";
import { systemClock } from "../../src/clock.ts";
import { loadConfig } from "../../src/config/config.ts";
import { rows } from "../../src/db/database.ts";
import { openDatabase } from "../../src/db/open.ts";
import { keepUp } from "../../src/db/upkeep.ts";
import { createLog } from "../../src/log.ts";
import type { Named } from "../../src/person.ts";
import { createStore } from "../../src/store/store.ts";
import { named } from "../support/stubs.ts";

// Posts without end through the server's own store, with the upkeep that the server has: `bun filler.ts <folder>`. Prints how
// many posts are acknowledged.

const ROOMS = 50;
const PEOPLE = 500;
const BATCH = 1_000;
const CONTENT = "A message of some forty characters, more or less";

const database = await openDatabase(loadConfig({ DATA_DIR: process.argv[2] ?? "" }));
keepUp(database, systemClock, createLog("warn"));
await database.run((orm) =>
  rows(
    orm,
    sql`insert into users (username, username_fold) select 'writer' || n, 'writer' || n from generate_series(1, ${PEOPLE}::int) n`,
  ),
);
const [first] = await database.run((orm) =>
  rows<{ id: number }>(orm, sql`select min(id)::float8 as id from users where username like 'writer%'`),
);
const { messages } = createStore(database);
const people = Array.from({ length: PEOPLE }, (_, at) => named(`writer${at + 1}`));
const writer = (at: number) => at % PEOPLE;
let acked = 0;
setInterval(() => console.log(acked), 500);
for (let next = 0; ; next += BATCH) {
  const posts = Array.from({ length: BATCH }, (_, at): Post => ({
    kind: "post",
    room: `room-${(next + at) % ROOMS}`,
    ...(people[writer(next + at)] as Named),
    senderId: (first?.id ?? 1) + writer(next + at),
    clientId: crypto.randomUUID(),
    fence: 0,
    content: CONTENT,
    data: null,
    replyTo: null,
  }));
  const { outcomes } = await messages.commit(0, posts, false);
  const refused = outcomes.find((outcome) => outcome && "refused" in outcome);
  if (refused) throw new Error(`a post was refused: ${JSON.stringify(refused)}`);
  acked += BATCH;
}
