import type { Chat, Room, RoomState } from "parley/client";
import { useEffect, useMemo, useSyncExternalStore } from "react";

/** A room and how it stands, for as long as a component shows it. */
export function useRoom(chat: Chat, name: string): [Room, RoomState] {
  // Not at each render: it joins, also where it has been refused.
  const room = useMemo(() => chat.room(name), [chat, name]);
  useEffect(() => {
    chat.room(name);
    return () => room.leave();
  }, [chat, room, name]);
  return [room, useSyncExternalStore(room.subscribe, room.snapshot)];
}
