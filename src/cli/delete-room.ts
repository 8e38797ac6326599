import { roomName } from "../protocol/rooms.ts";
import { deleteRoom as remove } from "../store/removal.ts";
import { type Command, CommandError } from "./command.ts";
import { withDatabase } from "./database.ts";
import { orderOf, orSend } from "./order.ts";

export const deleteRoom: Command = {
  name: "delete-room",
  usage: "<room> [reason]",
  about: "Delete a room with everything in it",
  async run(context) {
    const [name = "", ...reason] = context.args;
    const room = roomName(name);
    if (room === null) throw new CommandError(`Usage: parley ${this.name} ${this.usage}`);
    const order = orderOf(context, reason.join(" "));
    await orSend(`DELETE /admin/rooms/${encodeURIComponent(room)}`, () =>
      withDatabase(context, (database) => remove(database, room, order)),
    );
    context.out(
      `Deleted the room ${room}. Running servers close it within seconds, and clear its messages in the background.`,
    );
    return 0;
  },
};
