import { Refusal } from "../../errors.ts";
import type { Session } from "../connection/peer.ts";

/** The room that a command is about: the one it names, or else the one of the socket's URL. */
export function roomOf(session: Session, command: { room?: string | undefined }): string {
  const room = command.room ?? session.room;
  if (room === undefined)
    throw new Refusal("invalid", { detail: "room is required", errors: { room: ["is required"] } });
  return room;
}
