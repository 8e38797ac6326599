import type { Ack, Key } from "../../src/chat/change.ts";
import type { SimDatabase } from "./database.ts";

export interface Asked extends Key {
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

  return (change: Asked, ack: Partial<Ack>) => {
    const { kind, room, senderId } = change;
    const name = `${kind} ${room} ${senderId} ${ack.id}.${ack.version}${ack.duplicate ? " again" : ""}`;
    // After a restore, a change may be in several epochs, and is acked as new once in each.
    const matches = database
      .committed(change)
      .filter(
        ({ id, version, timestamp }) =>
          id === ack.id &&
          version === ack.version &&
          (ack.timestamp === undefined ? kind !== "post" : timestamp === ack.timestamp),
      );
    if (matches.length === 0) return fail("an ack of what the database does not have", name);
    if (ack.duplicate) return;
    const found = matches.find((match) => !fresh.has(match));
    if (!found) return fail("a change was acked as new twice", name);
    fresh.add(found);
    if ((kind === "post" || kind === "edit") && !hasData(change, found))
      fail("the data of a message was lost or changed", name);
  };
}
