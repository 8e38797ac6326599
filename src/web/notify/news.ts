import type { RoomLine } from "../rooms/rooms.ts";

/** Finds new messages of others in the list of rooms. */
export interface News {
  /** Returns the rooms whose last message is new since the call before, and unread. `mentioned`: more messages mention the person. */
  take(lines: readonly RoomLine[]): readonly (RoomLine & { readonly mentioned: boolean })[];
  forget(): void;
}

export function createNews(): News {
  /** The id of each room's last message. */
  let known: Map<string, number> | undefined;
  /** How many messages of each room mentioned the person. */
  const mentions = new Map<string, number>();
  /** The time of the newest message so far, by the server's clock. */
  let newest = "";
  return {
    take(lines) {
      const isFirst = known === undefined;
      const before = (known ??= new Map());
      const fresh = lines.flatMap((line) => {
        const { room, last, unread } = line;
        const mentioned = line.mentions > (mentions.get(room) ?? 0);
        mentions.set(room, line.mentions);
        if (!last) return [];
        const id = before.get(room);
        // A room that was not in the list may be new to the person, or only be loaded now.
        const isNew = id === undefined ? !isFirst && last.timestamp > newest : last.id > id;
        // The number of mentions may come a moment after the message.
        const isLate = !isFirst && mentioned && line.notify === "mentions";
        return (isNew || isLate) && unread > 0 ? [{ ...line, mentioned }] : [];
      });
      for (const { room, last } of lines) {
        before.set(room, Math.max(last?.id ?? 0, before.get(room) ?? 0));
        if (last && last.timestamp > newest) newest = last.timestamp;
      }
      return fresh;
    },
    forget() {
      known = undefined;
      mentions.clear();
      newest = "";
    },
  };
}

/** Whether the person wants to hear of a room's new messages, which may mention them. */
export const isWanted = ({
  notify,
  mentioned,
}: Pick<RoomLine, "notify"> & { readonly mentioned: boolean }): boolean =>
  notify === "mentions" ? mentioned : (notify ?? "all") === "all";
