import type { Appointment, Creation, RoomSettings, Ruling } from "../../src/chat/change.ts";
import { named } from "../support/stubs.ts";
import { ORDER } from "../support/order.ts";

/** Changes of rooms and members by someone, or by an operator. */
export const rulingsOf = (sender: { readonly userId: number; readonly username: string } | "operator") => {
  const by =
    sender === "operator"
      ? { senderId: 0, username: "", user: { id: "u_system" }, order: ORDER }
      : { senderId: sender.userId, ...named(sender.username), order: null };
  const signed = (room: string) => ({ room, clientId: crypto.randomUUID() as string, ...by });
  return {
    create: (room: string, create: Creation, set: RoomSettings = {}): Ruling => ({
      kind: "room",
      ...signed(room),
      set,
      create,
    }),
    reform: (room: string, set: RoomSettings): Ruling => ({ kind: "room", ...signed(room), set }),
    pin: (room: string, message: number, on = true): Ruling => ({
      kind: "pin",
      ...signed(room),
      message,
      on,
    }),
    appoint: (
      room: string,
      set: Appointment["set"],
      users: readonly number[],
      more: Partial<Appointment> = {},
    ): Ruling => ({ kind: "member", ...signed(room), set, users, ...more }),
  };
};
