import type { RoomLine } from "./rooms.ts";

/** Returns the name of the next or previous room of the list, or of the next one with unread messages. The list has no end. */
export function stepFrom(
  lines: readonly RoomLine[],
  here: string | undefined,
  step: 1 | -1,
  unread = false,
): string | undefined {
  const count = lines.length;
  const at = lines.findIndex(({ room }) => room === here);
  const start = at === -1 && step === -1 ? 0 : at;
  for (let n = 1; n <= count; n++) {
    const line = lines[(start + step * n + count * n) % count];
    if (line && line.room !== here && (!unread || line.unread > 0)) return line.room;
  }
  return undefined;
}
