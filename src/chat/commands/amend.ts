import { Refusal } from "../../errors.ts";
import type { CommandOf } from "../../protocol/frames.ts";
import type { Submit, Wish } from "../access/submit.ts";
import { type CommandHandler, type Reply, roomOf } from "../codecs/command.ts";
import type { Peer } from "../connection/peer.ts";

interface Parts {
  readonly submit: Submit;
}

type Amending = "edit" | "delete" | "react";

/** A command that changes a message which is there already. */
const amending =
  <T extends Amending>(wishOf: (command: CommandOf<T>) => Wish) =>
  ({ submit }: Parts): CommandHandler<T> => ({
    cost: { budget: "messages" },
    run: ({ peer, command, reply }) =>
      change(submit, { peer, room: roomOf({ peer, command }), reply }, wishOf(command)),
  });

/** Changes the text of one's own message. */
export const edit = amending<"edit">(({ clientId, id, content, data, mentions, everyone }) => ({
  kind: "edit",
  clientId,
  id,
  content,
  data,
  mentions,
  everyone,
}));

/** Deletes a message, one's own or as a moderator, which leaves a tombstone. */
export const remove = amending<"delete">(({ clientId, id }) => ({ kind: "delete", clientId, id }));

/** Adds a reaction, or takes it back. */
export const react = amending<"react">(({ clientId, id, emoji, on }) => ({
  kind: "react",
  clientId,
  id,
  emoji,
  on,
}));

/** Submits a change and sends its ack as the reply. Later commands of the socket do not wait for its commit. */
export const change = (
  submit: Submit,
  { peer, room, reply }: { readonly peer: Peer; readonly room: string; readonly reply: Reply },
  wish: Wish,
) =>
  submit(peer, room, wish, (outcome) => {
    if (outcome instanceof Refusal) return reply.refuse(outcome);
    const { id, version, duplicate, unreached, content } = outcome;
    reply.ok({
      ...{ id, version },
      ...(duplicate && { duplicate }),
      ...(unreached && { unreached }),
      ...(content !== undefined && { content }),
    });
  });
