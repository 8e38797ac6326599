import { Refusal, refusalOf } from "../../errors.ts";
import type { CommandHandler } from "../codecs/command.ts";
import type { CommandParts } from "./parts.ts";

/** Moves one's read mark in a room, and tells one's other sockets there and, in some rooms, the other members. */
export const read = ({
  members,
  marks,
  faulted,
}: Pick<CommandParts, "members" | "marks" | "faulted">): CommandHandler<"read"> => ({
  action: "read",
  cost: { budget: "marks" },
  run({ peer, pass, command, reply }) {
    // Later commands do not wait for its commit.
    members.mark(pass, command.id, command.back).then(
      ({ moved, ...mark }) => {
        if (moved) marks.moved(pass, mark, peer, peer.joined(pass.room));
        reply.ok();
      },
      (error: unknown) => {
        if (!(error instanceof Refusal)) faulted(error);
        reply.refuse(refusalOf(error));
      },
    );
  },
});
