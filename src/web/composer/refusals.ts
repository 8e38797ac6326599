import { type Change, type Chat, ChatError, createSubject } from "../../client/index.ts";
import type { PageStorage } from "../page/storage.ts";
import type { Source } from "../parts/source.ts";
import type { Attachment } from "./drafts.ts";

/** A message, or an edit of one, that was not sent: the server refused it, or the person took it back. */
export interface Refused {
  readonly room: string;
  readonly clientId: string;
  readonly content: string;
  readonly replyTo?: number | undefined;
  /** The first message of the thread that it was meant for. */
  readonly thread?: number | undefined;
  readonly alsoRoom?: true | undefined;
  readonly files?: readonly Attachment[] | undefined;
  /** The id of the message that it edits. */
  readonly edits?: number | undefined;
  readonly error: ChatError;
  /** In milliseconds since 1970. */
  readonly at: number;
}

/** What was refused in any room, until the person deals with it. All tabs share it, and it outlives the page. */
export interface Refusals extends Source<readonly Refused[]> {
  of(room: string): readonly Refused[];
  add(change: Change, error: ChatError, files?: readonly Attachment[]): void;
  /** Removes one to deal with it. Returns undefined if that happened in another tab. */
  take(clientId: string): Refused | undefined;
}

const PREFIX = "parley refused ";

export function createRefusals(chat: Chat, storage: PageStorage, page: Window): Refusals {
  let all: readonly Refused[] = [];
  let email = chat.snapshot().account?.email;
  const source = createSubject(() => all);
  const stem = () => `${PREFIX}${encodeURIComponent(email ?? "")} `;

  const load = () => {
    const keys = email === undefined ? [] : storage.keys(stem());
    all = keys.flatMap((key) => refusedIn(storage.getItem(key)) ?? []).sort((a, b) => a.at - b.at);
    source.changed();
  };

  const add = (change: Change, error: ChatError, files?: readonly Attachment[]) => {
    if (change.type !== "send" && change.type !== "edit") return;
    const { room, clientId, content } = change;
    const of =
      change.type === "edit"
        ? { edits: change.id }
        : { replyTo: change.replyTo, thread: change.thread, alsoRoom: change.alsoRoom };
    const one: Refused = { room, clientId, content, ...of, error, at: Date.now(), files };
    storage.setItem(stem() + clientId, JSON.stringify(one));
    load();
  };

  chat.on("settled", ({ change, error }) => {
    // Those that were given up because the person signed out are gone on purpose.
    if (error instanceof ChatError && error.code !== "signed_out") add(change, error);
  });
  chat.on("session", ({ account, error }) => {
    if (account === undefined && error === undefined)
      for (const key of storage.keys(stem())) storage.removeItem(key);
    email = account?.email;
    load();
  });
  page.addEventListener("storage", ({ key }) => key?.startsWith(PREFIX) && load());
  load();

  return {
    snapshot: source.snapshot,
    subscribe: source.subscribe,
    of: (room) => all.filter((one) => one.room === room),
    add,
    take(clientId) {
      const one = refusedIn(storage.getItem(stem() + clientId));
      storage.removeItem(stem() + clientId);
      load();
      return one;
    },
  };
}

function refusedIn(kept: string | null): Refused | undefined {
  try {
    const one = JSON.parse(kept ?? "{}") as Partial<Refused>;
    const { error } = one;
    const texts = [one.room, one.clientId, one.content, error?.code, error?.message];
    if (!error || texts.some((text) => typeof text !== "string")) return undefined;
    return { ...(one as Refused), error: new ChatError(error.code, error.message, error) };
  } catch {
    return undefined;
  }
}
