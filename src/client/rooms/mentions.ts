import { shape } from "../frames.ts";
import type { EventFrame, Message, RoomKind, User } from "../message.ts";
import { type PageQuery, readPage } from "../page.ts";
import { createPages, type PagesInside, plain } from "../people/pages.ts";
import { renewing } from "../people/renewing.ts";
import type { Clock } from "../ports.ts";
import type { Session } from "../session.ts";

/** A message that mentions this person. */
export interface Mention {
  readonly room: string;
  readonly kind: RoomKind;
  /** The room's title. Empty if it has none. */
  readonly title: string;
  /** Whether it is after this person's read mark. */
  readonly unread: boolean;
  readonly message: Message;
}

/** The inbox, with what it makes of the connection's events. */
export interface MentionsInside extends PagesInside<Mention> {
  notice(frame: EventFrame): void;
}

const isMention = shape("room kind:kind title unread:flag message:message");

/** The messages that mention the person, newest first, which are loaded again when there may be others. */
export function createMentions(session: Session, clock: Clock, me: () => string | undefined): MentionsInside {
  const pages = createPages<Mention>(
    plain(({ after, ...query }: PageQuery = {}) =>
      readPage<Mention>(session, "mentions/", isMention, { ...query, before: after }),
    ),
  );
  const renew = renewing(pages, clock);
  const isListed = (id: number) => pages.snapshot().items.some(({ message }) => message.id === id);
  return {
    ...pages,
    notice(frame) {
      const matters =
        frame.type === "message"
          ? mentionsPerson(frame, me()) || (frame.change !== "created" && isListed(frame.id))
          : ["activity", "rooms", "read", "left"].includes(frame.type);
      if (!matters) return;
      renew();
    },
  };
}

/** Whether a message mentions someone, by name or as part of everyone. */
export const mentionsPerson = (
  {
    mentions,
    everyone,
  }: { readonly mentions?: readonly User[] | undefined; readonly everyone?: true | undefined },
  id: string | undefined,
): boolean => everyone === true || (mentions ?? []).some((user) => user.id === id);
