import type { PinPage, PinRange } from "../../src/chat/ports.ts";
import type { Message } from "../../src/message.ts";
import type { Rows } from "./rows.ts";
import type { World } from "./world.ts";

/** The pins of a room and the versions that set them, as the order of its changes says. */
export function pinsIn(log: readonly Message[]): Map<number, number> {
  const pins = new Map<number, number>();
  for (const { id, version, deletedAt, notice } of log) {
    if (deletedAt) pins.delete(id);
    else if (notice?.type === "deleted") pins.clear();
    else if (notice?.type === "pinned") pins.set(notice.message ?? 0, version);
    else if (notice?.type === "unpinned") pins.delete(notice.message ?? 0);
  }
  return pins;
}

/** A page of the pins that the model database has. */
export function pinPage(
  rows: Pick<Rows, "roomOf" | "factsOf" | "epoch">,
  name: string,
  { before, from }: PinRange,
): PinPage {
  const room = rows.roomOf(name);
  const { version: counter, fence } = rows.factsOf(name);
  const pins = [...room.pins]
    .filter(([id, version]) => version < before && id >= from && !room.known.get(id)?.deletedAt)
    .sort(([, one], [, other]) => other - one)
    .flatMap(([id, version]) => {
      const [message, notice] = [room.messages.get(id), room.messages.get(version)];
      return message && notice ? [{ message, version, at: notice.timestamp, by: notice }] : [];
    });
  return { epoch: rows.epoch, counter, fence, pins, more: false };
}

/** Compares a page of pins with the order of the room up to the snapshot that it names. */
export function checkPins(world: World, room: string, { epoch, counter, pins }: PinPage, firstId: number) {
  const log = Array.from({ length: counter }, (_, at) => world.database.written(epoch, room, at + 1));
  if (log.includes(undefined)) return; // A node that does not know of a restore yet.
  const expected = [...pinsIn(log as Message[])]
    .filter(([id]) => id >= firstId)
    .sort(([, one], [, other]) => other - one);
  const found = pins.map(({ message, version }) => [message.id, version]);
  if (!Bun.deepEquals(found, expected))
    world.fail("the pins are not what the notices say", `${room}: ${JSON.stringify([found, expected])}`);
}
