import { findUser } from "../auth/people.ts";
import { roomName } from "../protocol/rooms.ts";
import { removeAllMessages } from "../store/removal.ts";
import { type Command, CommandError } from "./command.ts";
import { withDatabase } from "./database.ts";
import { orderOf, orSend, ORDER_USAGE } from "./order.ts";

export const removeMessages: Command = {
  name: "remove-messages",
  usage: `[--room <room>] ${ORDER_USAGE}`,
  about: "Delete everything that a person posted, in one room or in all",
  async run(context) {
    const inRoom = context.args[0] === "--room";
    const room = inRoom ? roomName(context.args[1] ?? "") : null;
    const [name, ...reason] = context.args.slice(inRoom ? 2 : 0);
    if (!name || (inRoom && room === null))
      throw new CommandError(`Usage: parley ${this.name} ${this.usage}`);
    const order = orderOf(context, reason.join(" "));
    const query = room === null ? "" : `?room=${encodeURIComponent(room)}`;
    const removed = await orSend(`DELETE /admin/users/${encodeURIComponent(name)}/messages${query}`, () =>
      withDatabase(context, async (database) => {
        const { id: userId } = await database.run((orm) => findUser(orm, name));
        return removeAllMessages(database, { userId, room }, order);
      }),
    );
    context.out(`Deleted ${removed} messages. Running servers show that within seconds.`);
    return 0;
  },
};
