import type { Database } from "../../src/db/database.ts";
import type { Client } from "./client.ts";
import type { Shown } from "./copy.ts";
import { counted, type Ledger } from "./ledger.ts";
import { expected, holes, readRoom, type StoredMessage } from "../support/stored.ts";

/** A change is answered after 8 s at the latest, and one sweep; these processes are busy as well. */
const ANSWER_MS = 10_000;

export interface Verdict {
  /** All that was counted, for a person. */
  readonly counts: string;
  /** What is wrong; nothing is a pass. */
  readonly wrong: readonly string[];
}

/** Holds what the clients saw against what the database has. */
export async function judge(
  database: Database,
  ledger: Ledger,
  rooms: ReadonlyMap<string, readonly Client[]>,
): Promise<Verdict> {
  const { sends, acks, gone, breaches, breachCount } = ledger;
  const wrong: string[] = [];
  const answered = new Map<string, { id: number; version: number }>();
  const kinds = new Map<string, number>();
  let messages = 0;
  let doubled = 0;
  let missing = 0;
  let differing = 0;
  let copies = 0;

  for (const [room, clients] of rooms) {
    const stored = await readRoom(database, room);
    messages += stored.messages.length;
    missing += holes(stored);
    for (const row of stored.messages) {
      if (answered.has(row.clientId)) doubled++;
      answered.set(row.clientId, { id: row.id, version: row.id });
    }
    for (const row of stored.changes) {
      if (answered.has(row.clientId)) doubled++;
      answered.set(row.clientId, row);
      if (sends.get(row.clientId)?.type !== row.kind) wrong.push(`a ${row.kind} that nobody asked for`);
      kinds.set(row.kind, (kinds.get(row.kind) ?? 0) + 1);
    }
    const wanted = expected(stored, sends);
    stored.messages.forEach((message, index) => {
      if (!Bun.deepEquals(message, wanted[index]))
        wrong.push(`message ${message.id} of ${room} is not what it was made`);
    });
    const deleted = new Set(stored.messages.filter((message) => message.deleted).map(({ id }) => id));
    for (const [clientId, { id }] of gone.get(room) ?? []) {
      if (!deleted.has(id)) wrong.push(`message ${id} of ${room} was said not to be there: ${clientId}`);
    }
    for (const client of clients) {
      const held = client.copy.messages;
      copies++;
      const same = stored.messages.filter((message) => isSame(message, held.get(message.id))).length;
      if (same === stored.messages.length && held.size === same) continue;
      differing++;
      wrong.push(
        `a client of ${room} holds ${held.size} messages, ${same} of the ${stored.messages.length} there are`,
      );
    }
  }

  let lost = 0;
  for (const [clientId, { id, version }] of acks) {
    const found = answered.get(clientId);
    if (found?.id !== id || found.version !== version) lost++;
  }
  const outOfOrder = missing + breaches.filter((breach) => breach.startsWith("out of order")).length;
  const tooLate = [...gone.values()].reduce((sum, those) => sum + those.size, 0);
  const unanswered = sends.size - acks.size - tooLate;
  if (lost > 0) wrong.push(`${lost} acknowledged changes are lost`);
  if (doubled > 0) wrong.push(`${doubled} changes are doubled`);
  if (missing > 0) wrong.push(`${missing} versions are not where they belong`);
  if (unanswered !== 0) wrong.push(`${unanswered} changes were never answered`);
  if (ledger.slowestReply > ANSWER_MS) wrong.push(`an answer took ${Math.round(ledger.slowestReply)} ms`);
  if (messages === 0) wrong.push("nothing was found: nothing was tested");
  wrong.push(...breaches);
  if (breachCount > breaches.length) wrong.push(`and ${breachCount - breaches.length} more of these`);

  const counts = [
    `sent ${sends.size}, acknowledged ${acks.size}, doubled ${doubled}, lost ${lost}, out of order ${outOfOrder}`,
    [`messages ${messages}`, counted(kinds), `too late for what was deleted ${tooLate}`]
      .filter(Boolean)
      .join(", "),
    `${copies} clients, ${copies - differing} of them with all of it once; slowest answer ${Math.round(ledger.slowestReply)} ms`,
    counted(ledger.counts),
  ].join("\n    ");
  return { counts, wrong: wrong.slice(0, 30) };
}

/** Whether a client's copy of a message is the one there is. */
function isSame(stored: StoredMessage, held: Shown | undefined): boolean {
  const counts = Map.groupBy(stored.reactions, (reaction) => reaction.split(" ")[1] ?? "");
  const shown = Object.entries(held?.reactions ?? {});
  return (
    held?.version === stored.version &&
    held.clientId === stored.clientId &&
    held.content === stored.content &&
    (held.deletedAt !== undefined) === stored.deleted &&
    shown.length === counts.size &&
    shown.every(([emoji, { count }]) => counts.get(emoji)?.length === count)
  );
}
