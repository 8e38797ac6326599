import type { Ack, Attachment, Key } from "../../src/chat/change.ts";
import type { SimDatabase } from "./database.ts";
import { filesOf } from "./files-judge.ts";

export interface Asked extends Key {
  readonly files?: readonly Attachment[] | null | undefined;
  readonly data?: string | null | undefined;
}

/** Checks every ack: it names what the database has, and a change always gets the same one. */
export function createAckBook(database: SimDatabase, fail: (sentence: string, detail: string) => void) {
  /** Acks that were given as new. */
  const fresh = new Set<Ack>();

  /** Whether the message has the data that a change asked for. An edit without data leaves what was there. */
  const hasData = ({ room, data }: Asked, { id, version }: Ack) =>
    database.posted(room, id).some((state, index, states) => {
      const expected = data === undefined ? states[index - 1]?.data : data;
      return state.version === version && state.data === expected;
    });

  /** Whether the message was posted with the files that a post named. */
  const hasFiles = ({ room, clientId, files }: Asked, { id }: Ack) =>
    database.posted(room, id).some(
      (state) =>
        state.version === id &&
        state.clientId === clientId &&
        Bun.deepEquals(
          filesOf(state),
          (files ?? []).map((file) => file.id),
        ),
    );

  return (change: Asked, ack: Partial<Ack>) => {
    const { kind, room, senderId } = change;
    const name = `${kind} ${room} ${senderId} ${ack.id}.${ack.version}${ack.duplicate ? " again" : ""}`;
    // After a restore, a change may be in several epochs, and is acked as new once in each.
    const matches = database
      .committed(change)
      .filter(
        ({ id, version, timestamp, unreached }) =>
          id === ack.id &&
          version === ack.version &&
          String(unreached) === String(ack.unreached) &&
          (ack.timestamp === undefined ? kind !== "post" : timestamp === ack.timestamp),
      );
    if (matches.length === 0) return fail("an ack of what the database does not have", name);
    if (kind === "post" && matches.every((match) => !hasFiles(change, match)))
      return fail("a message was acknowledged without its files", name);
    if (ack.duplicate) return;
    const found = matches.find((match) => !fresh.has(match));
    if (!found) return fail("a change was acked as new twice", name);
    fresh.add(found);
    if ((kind === "post" || kind === "edit") && !hasData(change, found))
      fail("the data of a message was lost or changed", name);
  };
}
