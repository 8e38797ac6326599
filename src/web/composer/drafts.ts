import type { Chat, Message } from "../../client/index.ts";
import type { PageStorage } from "../page/storage.ts";
import type { Tab } from "../page/tab.ts";

/** A message as the composer shows it when someone replies to it. */
export interface Quoted extends Pick<Message, "id" | "clientId" | "username" | "user" | "content"> {
  readonly files?: readonly Pick<Attachment, "name" | "type" | "width" | "height">[] | undefined;
}

/** An edit of a message of the room (`id`), or of one that was not sent (`clientId`). */
export interface Editing {
  readonly id?: number | undefined;
  readonly clientId?: string | undefined;
  /** The text before the edit. */
  readonly was: string;
  /** The message has files, so it needs no text. */
  readonly bare?: true | undefined;
}

/** A file that the person chose, and that no message has yet. Its bytes are kept apart, by its key. */
export interface Attachment {
  /** The UUID of its upload. */
  readonly key: string;
  readonly name: string;
  readonly type: string;
  /** In bytes. */
  readonly size: number;
  /** In pixels, of pictures that this browser can show. */
  readonly width?: number | undefined;
  readonly height?: number | undefined;
  readonly alt?: string | undefined;
  /** Once it is uploaded. */
  readonly id?: string | undefined;
}

/** What someone is writing in a room. */
export interface Draft {
  readonly text: string;
  readonly replyTo?: Quoted | undefined;
  readonly editing?: Editing | undefined;
  /** The text of the edit. */
  readonly edit?: string | undefined;
  readonly files?: readonly Attachment[] | undefined;
}

/**
 * Keeps what is being written in this browser, by account, room and tab: a tab never shows what is being written in another
 * one. What a closed tab left is found by the next that opens the room. Signing out deletes the account's drafts.
 */
export interface Drafts {
  read(room: string): Draft | undefined;
  /** Stores a draft at once. Undefined removes it. */
  keep(room: string, draft: Draft | undefined): void;
  /** Offers `use` a draft of a tab that is gone. If it returns true, the draft belongs to this tab. */
  adopt(room: string, use: (draft: Draft) => boolean): Promise<void>;
}

const PREFIX = "parley draft ";

export function createDrafts(chat: Chat, storage: PageStorage, tab: Tab): Drafts {
  const emailOf = () => chat.snapshot().account?.email;
  let email = emailOf();
  chat.on("session", ({ account, error }) => {
    if (account === undefined && error === undefined && email !== undefined)
      for (const key of storage.keys(`${PREFIX}${encodeURIComponent(email)} `)) storage.removeItem(key);
    email = account?.email;
  });
  const stemOf = (room: string) => {
    const account = emailOf();
    return account && `${PREFIX}${encodeURIComponent(account)} ${encodeURIComponent(room)} `;
  };

  return {
    read(room) {
      const stem = stemOf(room);
      return stem ? draftIn(storage.getItem(stem + tab.id)) : undefined;
    },
    keep(room, draft) {
      const stem = stemOf(room);
      if (!stem) return;
      if (draft) storage.setItem(stem + tab.id, JSON.stringify(draft));
      else storage.removeItem(stem + tab.id);
    },
    async adopt(room, use) {
      const stem = stemOf(room);
      const keys = stem ? storage.keys(stem).filter((key) => key !== stem + tab.id) : [];
      if (!stem || keys.length === 0) return;
      const others = await tab.others();
      for (const key of keys) {
        if (others.has(key.slice(stem.length))) continue;
        const draft = draftIn(storage.getItem(key));
        if (draft && !use(draft)) return;
        storage.removeItem(key);
        if (draft) return;
      }
    },
  };
}

function draftIn(kept: string | null): Draft | undefined {
  try {
    const { text, replyTo, editing, edit, files } = JSON.parse(kept ?? "{}") as Partial<Draft>;
    if (typeof text !== "string") return undefined;
    const isReply = typeof replyTo?.id === "number" && typeof replyTo.username === "string";
    const isEdit = typeof editing?.was === "string" && typeof edit === "string";
    return {
      text,
      ...(isReply && { replyTo }),
      ...(isEdit && { editing, edit }),
      ...(Array.isArray(files) && { files }),
    };
  } catch {
    return undefined;
  }
}
