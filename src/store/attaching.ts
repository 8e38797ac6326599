import { sql } from "drizzle-orm";
import type { Change } from "../chat/change.ts";
import type { Attached, KnownFile } from "../chat/room/attaching.ts";
import type { Orm } from "../db/database.ts";
import { rows } from "../db/database.ts";
import { integers, uuids } from "./sql.ts";

// What the commit of a batch does about files. Batches without files run none of these statements.

interface ReadyRow {
  readonly id: string;
  readonly room: string;
  readonly userId: number;
  readonly name: string;
  readonly type: string;
  readonly size: number;
  readonly width: number | null;
  readonly height: number | null;
  readonly placeholder: string | null;
  readonly state: "held" | "rejected" | "ready";
}

const filesIn = (changes: readonly Change[]): string[] =>
  changes.flatMap((change) =>
    change.kind === "post" && change.files ? change.files.map(({ id }) => id) : [],
  );

/** Whether a batch has posts with files. */
export const namesFiles = (changes: readonly Change[]): boolean => filesIn(changes).length > 0;

/** Reads and locks the files that posts name, those that nobody has sent yet. Locked in one order, after their rooms. */
export async function readReady(tx: Orm, changes: readonly Change[]): Promise<Map<string, KnownFile>> {
  const found = await rows<ReadyRow>(
    tx,
    sql`select f.id::text as id, r.name as room, f.user_id::float8 as "userId", f.name, f.type, f.size::float8 as size,
        f.width, f.height, f.placeholder, f.state
      from files f join rooms r on r.id = f.room_id
      where f.id = any(${uuids(filesIn(changes))}) and f.state in ('held', 'rejected', 'ready')
      order by f.id for update of f`,
  );
  return new Map(
    found.map(({ room, userId, width, height, placeholder, state, ...file }) => [
      file.id,
      {
        room,
        userId,
        ...(state !== "ready" && { barred: `file_${state}` as const }),
        shown: JSON.stringify({
          ...file,
          ...(width !== null && { width }),
          ...(height !== null && { height }),
          ...(placeholder !== null && { placeholder }),
        }),
      },
    ]),
  );
}

/** Writes which files belong to messages from now on, and gives up those of messages that were deleted. */
export async function writeFiles(
  tx: Orm,
  { attached, emptied }: Attached,
  roomIds: ReadonlyMap<string, number>,
): Promise<void> {
  const idOf = (room: string) => roomIds.get(room) ?? null;
  if (attached.length > 0)
    await rows(
      tx,
      sql`update files f set state = 'attached', message_id = i.message_id, at = clock_timestamp()
        from unnest(${uuids(attached.map(({ file }) => file.id))}, ${integers(attached.map(({ messageId }) => messageId))})
          as i(id, message_id)
        where f.id = i.id`,
    );
  if (emptied.length > 0)
    await rows(
      tx,
      sql`update files f set state = 'doomed', at = clock_timestamp()
        from unnest(${integers(emptied.map(({ room }) => idOf(room)))}, ${integers(emptied.map(({ messageId }) => messageId))})
          as i(room_id, message_id)
        where f.room_id = i.room_id and f.message_id = i.message_id`,
    );
}
