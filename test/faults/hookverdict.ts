import type { Delivery } from "../hooks/receiver.ts";

/** A message as it is stored in the end. */
export interface StoredState {
  readonly room: string;
  readonly id: number;
  readonly version: number;
  readonly content: string;
  readonly deleted: boolean;
}

/** A message as a webhook tells it. */
interface Told {
  readonly change: string;
  readonly room: string;
  readonly id: number;
  readonly version: number;
  readonly content?: string;
}

const LINES = 8;
const spanOf = ({ body: { data } }: Delivery) => `${data.room} ${data.after}-${data.upto}`;
const placeOf = ({ id, version }: Told, after: number) => (id > after ? id : version);

/**
 * Compares what a receiver took with what is stored: each room in its order, a batch again only with its own id and with equal
 * content, unless a message has changed meanwhile, and every message in its last state.
 */
export function judgeDeliveries(
  { taken, got }: { readonly taken: readonly Delivery[]; readonly got: readonly Delivery[] },
  stored: readonly StoredState[],
): { readonly wrong: readonly string[]; readonly repeats: number; readonly changes: number } {
  const wrong: string[] = [];
  const spans = new Map<string, string>();
  for (const one of got)
    if (spans.getOrInsert(one.id, spanOf(one)) !== spanOf(one))
      wrong.push(`${spanOf(one)} has the id of ${spans.get(one.id)}`);
  if (new Set(spans.values()).size < spans.size) wrong.push("a batch came with two ids");

  const last = new Map<string, Delivery>();
  /** Each state of a message as it was told first, and the latest one. */
  const states = new Map<string, string>();
  const latest = new Map<string, Told>();
  let repeats = 0;
  for (const delivery of taken) {
    const { room, after, upto, changes } = delivery.body.data;
    const before = last.get(room);
    last.set(room, delivery);
    const isRepeat = before?.id === delivery.id;
    if (isRepeat) repeats++;
    else if (after < (before?.body.data.upto ?? 0))
      wrong.push(`${spanOf(delivery)} came after ${before && spanOf(before)}`);
    let place = after;
    for (const told of changes as unknown as Told[]) {
      const name = `message ${told.id} of ${room}`;
      if (told.room !== room || placeOf(told, after) <= place || placeOf(told, after) > upto)
        wrong.push(`${name}, version ${told.version}, is out of place in ${spanOf(delivery)}`);
      place = placeOf(told, after);
      const was = latest.get(`${room} ${told.id}`);
      if (!was && told.change === "updated") wrong.push(`${name} was changed before it was created`);
      const text = JSON.stringify({ ...told, change: told.change === "deleted" });
      if (states.getOrInsert(`${room} ${told.id} ${told.version}`, text) !== text)
        wrong.push(`${name}, version ${told.version}, came with two contents`);
      if (!was || was.version < told.version) latest.set(`${room} ${told.id}`, told);
    }
  }

  for (const { room, id, version, content, deleted } of stored) {
    const told = latest.get(`${room} ${id}`);
    if (!told) wrong.push(`message ${id} of ${room} never came`);
    else if (told.version !== version)
      wrong.push(`version ${version} of message ${id} of ${room} never came`);
    else if ((told.change === "deleted") !== deleted || (!deleted && told.content !== content))
      wrong.push(`message ${id} of ${room} came with other content`);
  }
  if (latest.size > stored.length)
    wrong.push(`${latest.size - stored.length} messages came that are not stored`);
  if (repeats === 0) wrong.push("nothing came twice: too little was tested");
  return {
    wrong: wrong.length > LINES ? [...wrong.slice(0, LINES), `and ${wrong.length - LINES} more`] : wrong,
    repeats,
    changes: taken.reduce((sum, { body }) => sum + body.data.changes.length, 0),
  };
}
