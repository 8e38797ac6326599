import { serveTopics } from "./topics.ts";

// The obvious design: insert each message, then acknowledge and publish it. Ids come from the table. If two inserts into
// a room overlap, either may be published first.

const sql = new Bun.SQL(process.env.DATABASE_URL ?? "");
await sql`create table if not exists posts (
  id bigint primary key generated always as identity,
  room text not null,
  username text not null,
  client_id uuid not null,
  content text not null,
  created_at timestamptz not null default clock_timestamp()
)`;
await sql`create index if not exists posts_room on posts (room, id)`;

serveTopics({
  port: Number(process.argv[2]),
  version: () => 0,
  post(message, done) {
    const { room, username, clientId, content } = message;
    sql`insert into posts (room, username, client_id, content)
      values (${room}, ${username}, ${clientId}, ${content}) returning id, created_at`.then(
      ([row]: { id: string; created_at: Date }[]) => {
        if (row) done({ ...message, id: Number(row.id), timestamp: row.created_at.toISOString() });
      },
      (error: unknown) => console.error(error),
    );
  },
});
