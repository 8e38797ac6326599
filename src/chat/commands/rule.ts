import { type CommandHandler, roomOf } from "../codecs/command.ts";
import { change } from "./amend.ts";
import type { CommandParts } from "./parts.ts";

/** Changes who is in a room, and who may do what there. */
export const member = ({
  submit,
  people,
}: Pick<CommandParts, "submit" | "people">): CommandHandler<"member"> => ({
  cost: { budget: "messages" },
  async run({ peer, command, reply }) {
    const room = roomOf({ peer, command });
    const { clientId, set, user, role, until, heir } = command;
    const users = await people.known("user", [user], peer.identity);
    const [heirId] = await people.known("heir", heir === undefined ? [] : [heir], peer.identity);
    const wish = { kind: "member", clientId, set, users, role, until, heir: heirId } as const;
    await change(submit, { peer, room, reply }, wish);
  },
});

/** Changes a room itself: what it is called, and how it works. */
export const room = ({ submit }: Pick<CommandParts, "submit">): CommandHandler<"room"> => ({
  cost: { budget: "messages" },
  run({ peer, command, reply }) {
    const { type: _, ref: __, room: ___, clientId, ...set } = command;
    return change(submit, { peer, room: roomOf({ peer, command }), reply }, { kind: "room", clientId, set });
  },
});

/** Pins a message in its room, or unpins it. */
export const pin = ({ submit }: Pick<CommandParts, "submit">): CommandHandler<"pin"> => ({
  cost: { budget: "messages" },
  run({ peer, command, reply }) {
    const { clientId, id: message, on } = command;
    const room = roomOf({ peer, command });
    return change(submit, { peer, room, reply }, { kind: "pin", clientId, message, on });
  },
});
