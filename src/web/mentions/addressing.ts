import type { Chat, Message, Room } from "../../client/index.ts";
import { type Known, knownIn } from "./known.ts";
import { EVERYONE, mentionsIn } from "./text.ts";

/** Whom the texts of a room mention. */
export interface Addressing {
  readonly known: Known;
  /** Whether the person may mention everyone, as far as the page knows: the server decides. */
  mayMentionEveryone(): boolean;
  /** Whether a text mentions everyone and the message did not before, so that the person has to confirm it. */
  asks(content: string, old: Message | undefined): boolean;
  /** What a message is sent with. `notify`: the person confirmed that it mentions everyone. */
  options(content: string, old: Message | undefined, notify: boolean): Mentioning;
}

interface Mentioning {
  readonly mentions?: readonly string[];
  readonly everyone?: boolean;
}

export function createAddressing(chat: Chat, room: Room): Addressing {
  const known = knownIn(chat, room);

  const mayMentionEveryone = () => {
    const { kind, role } = room.snapshot();
    return kind === "private" || kind === "direct" || role === "owner" || role === "moderator";
  };

  return {
    known,
    mayMentionEveryone,
    asks: (content, old) =>
      content.includes(`@${EVERYONE}`) &&
      !old?.everyone &&
      mayMentionEveryone() &&
      mentionsIn(content, known.people()).everyone,
    options(content, old, notify) {
      const had = old?.mentions !== undefined || old?.everyone === true;
      if (!content.includes("@") && !had) return {};
      const found = mentionsIn(content, known.people());
      // Mentions that the text did not show stay: another client made them.
      const kept = old?.mentions?.filter(({ username }) => !old.content.includes(`@${username}`)) ?? [];
      const mentions = [...new Set([...found.mentions, ...kept.map(({ id }) => id)])];
      const everyone = found.everyone && (notify || old?.everyone === true);
      return had || mentions.length > 0 || everyone ? { mentions, everyone } : {};
    },
  };
}
