import { Refusal } from "../../errors.ts";
import type { Submit } from "../access/submit.ts";
import { draftOf } from "../change.ts";
import { type CommandHandler, roomOf } from "../codecs/command.ts";

/** Posts a message. Later commands of the socket do not wait for its commit, so they may share it. */
export const send = ({ submit }: { readonly submit: Submit }): CommandHandler<"send"> => ({
  cost: { budget: "messages" },
  run({ peer, command, reply }) {
    const { type: _, ref: __, room: ___, ...draft } = command;
    return submit(peer, roomOf({ peer, command }), draftOf(draft), (outcome) => {
      if (outcome instanceof Refusal) return reply.refuse(outcome);
      const { id, version, timestamp, duplicate, unreached, content } = outcome;
      const ack = duplicate ? { id, version, timestamp, duplicate } : { id, version, timestamp };
      if (!unreached && content === undefined) return reply.ok(ack);
      reply.ok({ ...ack, ...(unreached && { unreached }), ...(content !== undefined && { content }) });
    });
  },
});
