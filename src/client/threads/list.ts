import { shape } from "../frames.ts";
import type { EventFrame, Person, Replies } from "../message.ts";
import { type PageQuery, readPage } from "../page.ts";
import { createPages, type PagesInside, plain } from "../people/pages.ts";
import { renewing } from "../people/renewing.ts";
import type { Clock } from "../ports.ts";
import type { Session } from "../session.ts";

/** A thread in the list of those that the person follows. */
export interface ListedThread {
  readonly room: string;
  /** The first message, with up to 500 characters of its text. */
  readonly root: {
    readonly id: number;
    readonly username: string;
    readonly user: Person;
    readonly content: string;
    readonly timestamp: string;
  };
  readonly replies: Replies;
  /** Unread replies of other people. 100 means 100 or more. */
  readonly unread: number;
  readonly following: boolean;
  readonly lastRead: number;
}

export interface ThreadsQuery extends PageQuery {
  /** Whether to list threads without unread replies too. */
  readonly all?: boolean | undefined;
}

const isThread = shape("room root:object replies:replies unread:whole following:flag lastRead:whole");

export interface ThreadListInside extends PagesInside<ListedThread, ThreadsQuery> {
  /** Something has happened, which may be about threads. */
  notice(frame: EventFrame): void;
}

/** The threads with unread replies, which are loaded again when one may have others. */
export function createThreadList(session: Session, clock: Clock): ThreadListInside {
  const pages = createPages<ListedThread, ThreadsQuery>(
    plain(({ after, all, ...query }: ThreadsQuery = {}) =>
      readPage<ListedThread>(session, "threads/", isThread, {
        ...query,
        before: after,
        ...(all && { all: "" }),
      }),
    ),
  );
  const renew = renewing(pages, clock);
  return {
    ...pages,
    notice(frame) {
      const isReply = frame.type === "message" && frame.thread !== undefined && frame.change !== "updated";
      const isMark = frame.type === "thread" && frame.following !== undefined;
      if (!isReply && !isMark && frame.type !== "activity" && frame.type !== "rooms") return;
      renew();
    },
  };
}
