import type { Chat } from "../../client/index.ts";
import type { Rooms } from "../rooms/rooms.ts";

/** What many views of a signed-in person use. */
export interface Shared {
  readonly chat: Chat;
  readonly rooms: Rooms;
}
