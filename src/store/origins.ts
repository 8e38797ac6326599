import { sql } from "drizzle-orm";
import type { Change, Outcome } from "../chat/change.ts";
import { type Orm, rows } from "../db/database.ts";
import { integers, texts, times } from "./sql.ts";

/** Whether a key made a change, in whose name it may be. */
export const isByKey = (change: Change): boolean => "apiKey" in change && change.apiKey !== undefined;

/** Writes which keys made the changes of a batch that took a version, while their rooms are locked. */
export async function writeOrigins(
  tx: Orm,
  changes: readonly Change[],
  outcomes: readonly Outcome[],
  roomIds: ReadonlyMap<string, number>,
): Promise<void> {
  const made = changes.flatMap((change, index) => {
    const outcome = outcomes[index];
    if (!("apiKey" in change) || change.apiKey === undefined || !outcome || "refused" in outcome) return [];
    const { ack, state } = outcome;
    return state === null ? [] : [{ ...change, apiKey: change.apiKey, ack }];
  });
  if (made.length === 0) return;
  await rows(
    tx,
    sql`insert into origins (room_id, version, message_id, change, api_key, at) select * from unnest(
      ${integers(made.map(({ room }) => roomIds.get(room) ?? null))}, ${integers(made.map(({ ack }) => ack.version))},
      ${integers(made.map(({ ack }) => ack.id))}, ${texts(made.map(({ kind }) => kind))},
      ${integers(made.map(({ apiKey }) => apiKey))}, ${times(made.map(({ ack }) => ack.timestamp))}
    ) as i(room_id, version, message_id, change, api_key, at)`,
  );
}
