import { sql } from "drizzle-orm";
import { type Database, rows } from "../../src/db/database.ts";
import type { Client } from "./client.ts";
import type { Ledger } from "./ledger.ts";

/** One room's messages as the database holds them, and its counter. */
interface Stored {
  readonly id: number;
  readonly version: number;
  readonly clientId: string;
  readonly content: string;
  readonly counter: number;
}

/** A send is answered after 8 s at the latest, and one sweep; these processes are busy as well. */
const ANSWER_MS = 10_000;

export interface Verdict {
  /** All that was counted, for a person. */
  readonly counts: string;
  /** What is wrong; nothing is a pass. */
  readonly wrong: readonly string[];
}

const readRoom = (database: Database, room: string) =>
  database.run((orm) =>
    rows<Stored>(
      orm,
      sql`select m.id::float8 as id, m.version::float8 as version, m.client_id::text as "clientId", m.content,
        r.version::float8 as counter
      from messages m join rooms r on r.id = m.room_id where r.name = ${room} order by m.id`,
    ),
  );

/** Holds what the clients saw against what the database has. */
export async function judge(
  database: Database,
  ledger: Ledger,
  rooms: ReadonlyMap<string, readonly Client[]>,
): Promise<Verdict> {
  const wrong: string[] = [];
  const seen = new Map<string, number>();
  const contents = new Set<string>();
  let found = 0;
  let doubled = 0;
  let holes = 0;
  let differing = 0;
  let copies = 0;

  for (const [room, clients] of rooms) {
    const stored = await readRoom(database, room);
    found += stored.length;
    stored.forEach(({ id, version, clientId, content, counter }, index) => {
      if (id !== index + 1 || version !== id || counter !== stored.length) holes++;
      if (contents.has(content)) doubled++;
      contents.add(content);
      if (ledger.sends.get(clientId) !== content) wrong.push(`message ${id} is not what was sent`);
      seen.set(clientId, id);
    });
    for (const client of clients) {
      const { messages } = client.copy;
      copies++;
      const same = stored.filter(({ id, clientId, content }) => {
        const held = messages.get(id);
        return held?.clientId === clientId && held.content === content;
      }).length;
      if (same !== stored.length || messages.size !== stored.length) {
        differing++;
        wrong.push(
          `a client of ${room} holds ${messages.size} messages, ${same} of the ${stored.length} there are`,
        );
      }
    }
  }

  let lost = 0;
  for (const [clientId, id] of ledger.acks) if (seen.get(clientId) !== id) lost++;
  const { sends, acks, breaches, breachCount } = ledger;
  const outOfOrder = holes + breaches.filter((breach) => breach.startsWith("out of order")).length;
  if (lost > 0) wrong.push(`${lost} acknowledged messages are lost`);
  if (doubled > 0) wrong.push(`${doubled} messages are doubled`);
  if (holes > 0) wrong.push(`${holes} versions are not where they belong`);
  if (acks.size !== sends.size) wrong.push(`${sends.size - acks.size} sends were never acknowledged`);
  if (ledger.slowestReply > ANSWER_MS) wrong.push(`an answer took ${Math.round(ledger.slowestReply)} ms`);
  if (found === 0) wrong.push("nothing was found: nothing was tested");
  wrong.push(...breaches);
  if (breachCount > breaches.length) wrong.push(`and ${breachCount - breaches.length} more of these`);

  const also = [...ledger.counts].sort().map(([what, times]) => `${what} ${times}`);
  const counts = [
    `sent ${sends.size}, acknowledged ${acks.size}, found ${found}, doubled ${doubled}, lost ${lost}, out of order ${outOfOrder}`,
    `${copies} clients, ${copies - differing} of them with all of it once; slowest answer ${Math.round(ledger.slowestReply)} ms`,
    also.join(", "),
  ].join("\n    ");
  return { counts, wrong: wrong.slice(0, 30) };
}
