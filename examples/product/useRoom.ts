import type { Chat, Room, RoomState } from "@parley-chat/client";
import { useEffect, useMemo, useSyncExternalStore } from "react";

/** Returns a room and its state, and stays in the room while the component is mounted. */
export function useRoom(chat: Chat, name: string): [Room, RoomState] {
  // Memoized, because chat.room() joins the room, even if an earlier join was rejected.
  const room = useMemo(() => chat.room(name), [chat, name]);
  useEffect(() => {
    chat.room(name);
    return () => room.leave();
  }, [chat, room, name]);
  return [room, useSyncExternalStore(room.subscribe, room.snapshot)];
}
