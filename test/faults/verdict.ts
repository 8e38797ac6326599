import type { Database } from "../../src/db/database.ts";
import type { Client } from "./client.ts";
import type { Shown } from "./copy.ts";
import { counted, type Ledger } from "./ledger.ts";
import { expected, holes, readRoom, type StoredMessage } from "../support/stored.ts";

/** The server looks up the sender within 2 s and replies within 8 s and one sweep after that. The rest is a margin for busy processes. */
const REPLY_MS = 12_000;

export interface Verdict {
  /** All counts as text. */
  readonly counts: string;
  /** The problems; empty if the scenario passed. */
  readonly wrong: readonly string[];
}

/** Compares what the clients saw with what the database contains. */
export async function judge(
  database: Database,
  ledger: Ledger,
  rooms: ReadonlyMap<string, readonly Client[]>,
): Promise<Verdict> {
  const { sends, acks, gone, refused, breaches, breachCount } = ledger;
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
      if (sends.get(row.clientId)?.type !== row.kind)
        wrong.push(`the database has a ${row.kind} that no client sent`);
      kinds.set(row.kind, (kinds.get(row.kind) ?? 0) + 1);
    }
    const wanted = expected(stored, sends);
    stored.messages.forEach((message, index) => {
      if (!Bun.deepEquals(message, wanted[index]))
        wrong.push(`message ${message.id} of ${room} does not match its changes`);
    });
    const deleted = new Set(stored.messages.filter((message) => message.deleted).map(({ id }) => id));
    for (const [clientId, { id }] of gone.get(room) ?? []) {
      if (!deleted.has(id))
        wrong.push(`change ${clientId} got not_found, but message ${id} of ${room} is not deleted`);
    }
    for (const client of clients) {
      const held = client.copy.messages;
      copies++;
      const same = stored.messages.filter((message) => isSame(message, held.get(message.id))).length;
      if (same === stored.messages.length && held.size === same) continue;
      differing++;
      wrong.push(
        `a client of ${room} has ${held.size} messages, of which ${same} match the ${stored.messages.length} stored ones`,
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
  const unanswered = sends.size - acks.size - tooLate - refused.size;
  const slipped = [...refused].filter(([clientId, sentOnce]) => sentOnce && answered.has(clientId)).length;
  if (slipped > 0) wrong.push(`${slipped} refused changes were committed`);
  if (lost > 0) wrong.push(`${lost} acknowledged changes are lost`);
  if (doubled > 0) wrong.push(`${doubled} changes are doubled`);
  if (missing > 0) wrong.push(`${missing} versions are missing or beyond the room's counter`);
  if (unanswered !== 0) wrong.push(`${unanswered} changes never got a reply`);
  if (ledger.slowestReply > REPLY_MS) wrong.push(`a reply took ${Math.round(ledger.slowestReply)} ms`);
  if (messages === 0) wrong.push("the rooms are empty: nothing was tested");
  wrong.push(...breaches);
  if (breachCount > breaches.length) wrong.push(`and ${breachCount - breaches.length} more of these`);

  const counts = [
    `sent ${sends.size}, acknowledged ${acks.size}, doubled ${doubled}, lost ${lost}, out of order ${outOfOrder}`,
    [
      `messages ${messages}`,
      counted(kinds),
      `too late because deleted ${tooLate}`,
      refused.size > 0 && `refused ${refused.size}`,
    ]
      .filter(Boolean)
      .join(", "),
    `${copies} clients, ${copies - differing} with a complete copy; slowest reply ${Math.round(ledger.slowestReply)} ms`,
    counted(ledger.counts),
  ].join("\n    ");
  return { counts, wrong: wrong.slice(0, 30) };
}

/** Whether a client's copy of a message equals the stored one. */
export function isSame(stored: StoredMessage, held: Shown | undefined): boolean {
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
