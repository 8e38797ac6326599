import type { CommandOf, CommandType } from "../../protocol/frames.ts";
import type { Session } from "../connection/peer.ts";
import type { Reply } from "../codecs/v1.ts";
import { edit, react, remove } from "./amend.ts";
import { auth } from "./auth.ts";
import { history } from "./history.ts";
import { join } from "./join.ts";
import { leave } from "./leave.ts";
import { ping } from "./ping.ts";
import { read } from "./read.ts";
import { send } from "./send.ts";
import { typing } from "./typing.ts";

/** Carries out a command and answers it once; what it throws is answered for it. */
export type Handler<T extends CommandType> = (
  session: Session,
  command: CommandOf<T>,
  reply: Reply,
) => Promise<void> | undefined;

export const commands: { readonly [T in CommandType]: Handler<T> } = {
  join,
  leave,
  send,
  edit,
  delete: remove,
  react,
  history,
  read,
  typing,
  auth,
  ping,
};
