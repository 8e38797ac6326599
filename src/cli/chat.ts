import { chat as chatIn, USAGE } from "../terminal/chat.ts";
import type { Command } from "./command.ts";

export const chat: Command = {
  name: "chat",
  usage: USAGE,
  about: "Chat in a room of a server, or with a person: sends each line, typed or piped, as a message",
  run: (context) => chatIn(context, "parley chat"),
};
