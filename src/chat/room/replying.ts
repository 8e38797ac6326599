import type { Mentions, Message } from "../../message.ts";
import type { Outcome, Post } from "../change.ts";
import { UNANSWERABLE, UNTHREADABLE } from "./refusals.ts";

/** The first message of a thread. */
export interface Root {
  readonly id: number;
  readonly senderId: number;
}

/** A new reply in a thread. */
export interface Reply {
  readonly room: string;
  readonly root: Root;
  readonly message: Pick<Message, "id"> & { readonly senderId: number; readonly mentions?: Mentions | null };
}

/** What the database knows about what the posts of a batch reply to. */
export interface Replied {
  /** Which of the messages that posts reply to are there, by {@link messageKey}. */
  readonly replied: ReadonlySet<string>;
  /** The first messages of the threads that posts name, by {@link messageKey} of what they name, which is no notice. */
  readonly roots?: ReadonlyMap<string, Root> | undefined;
}

/** What posts of a batch reply to. */
export interface Replying {
  /** New replies in threads. */
  readonly threaded: readonly Reply[];
  /** Returns why a post cannot reply to what it names. `from`: the first id that its sender sees. */
  refuse(post: Post, from: number): Outcome | undefined;
  /** A post names any message of its thread. Returns it with the first one. */
  inThread(post: Post): Post;
  /** The post became this message. Later posts may reply to it. */
  posted(post: Post, message: Reply["message"]): void;
}

export const messageKey = (room: string, id: number) => `${id} ${room}`;

/** `messages`: what the batch has changed so far. */
export function createReplying(
  { replied, roots: known }: Replied,
  messages: ReadonlyMap<string, { readonly message: Pick<Message, "notice"> }>,
): Replying {
  const roots = new Map(known);
  const threaded: Reply[] = [];
  const rootOf = ({ room, thread }: Post) => (thread ? roots.get(messageKey(room, thread.root)) : undefined);

  return {
    threaded,
    refuse(post, from) {
      const { room, replyTo, thread } = post;
      if (replyTo !== null) {
        const key = messageKey(room, replyTo);
        const posted = messages.get(key)?.message;
        const isThere = posted ? posted.notice === null : replied.has(key);
        if (!isThere || replyTo < from) return UNANSWERABLE;
      }
      if (!thread) return undefined;
      const root = rootOf(post);
      return !root || root.id < from ? UNTHREADABLE : undefined;
    },
    inThread(post) {
      const root = rootOf(post);
      return root && post.thread ? { ...post, thread: { ...post.thread, root: root.id } } : post;
    },
    posted(post, message) {
      const root = rootOf(post);
      if (root) threaded.push({ room: post.room, root, message });
      roots.set(messageKey(post.room, message.id), root ?? message);
    },
  };
}
