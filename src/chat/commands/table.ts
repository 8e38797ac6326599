import type { CommandTable } from "../codecs/command.ts";
import { edit, react, remove } from "./amend.ts";
import { auth } from "./auth.ts";
import { follow } from "./follow.ts";
import { history } from "./history.ts";
import { join } from "./join.ts";
import { leave } from "./leave.ts";
import type { CommandParts } from "./parts.ts";
import { ping } from "./ping.ts";
import { read } from "./read.ts";
import { member, pin, room } from "./rule.ts";
import { send } from "./send.ts";
import { typing } from "./typing.ts";
import { watch } from "./watch.ts";

/** The commands of chat.v1. */
export const createCommands = (parts: CommandParts): CommandTable => ({
  join,
  leave,
  send: send(parts),
  edit: edit(parts),
  delete: remove(parts),
  react: react(parts),
  member: member(parts),
  room: room(parts),
  pin: pin(parts),
  history: history(parts),
  read: read(parts),
  follow: follow(parts),
  typing: typing(parts),
  auth: auth(parts),
  watch,
  ping,
});
