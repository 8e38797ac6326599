import type { CommandHandler } from "../codecs/command.ts";
import type { Typing } from "../ephemeral/typing.ts";

/** Shows the others that one is typing, in a room that the socket has joined. Elsewhere it does nothing. */
export const typing = ({ typing }: { readonly typing: Typing }): CommandHandler<"typing"> => ({
  action: "post",
  cost: { budget: "typing" },
  run({ peer, pass, reply }) {
    if (peer.joined(pass.room)) typing.typing(pass);
    reply.ok();
  },
});
