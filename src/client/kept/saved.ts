import { shape } from "../frames.ts";
import type { Message } from "../message.ts";
import { listIn, type PageQuery, readPage, roomPath } from "../page.ts";
import { createPages, type Pages, type PagesInside, plain } from "../people/pages.ts";
import type { Request, Session } from "../session.ts";

/** A message that the person saved, without its reactions. */
export interface SavedMessage extends Message {
  readonly room: string;
  readonly savedAt: string;
}

interface CallOptions {
  readonly signal?: AbortSignal | undefined;
}

/**
 * The messages that the person saved, from all rooms, the latest saved first. Other devices are not followed: a new subscriber
 * loads the list again.
 */
export interface Saved extends Pages<SavedMessage> {
  /** Saves a message. @throws {ChatError} `too_many_saved`, `not_found` and so on. */
  add(room: string, id: number, options?: CallOptions): Promise<void>;
  /** Takes it out again. @throws {ChatError} */
  remove(room: string, id: number, options?: CallOptions): Promise<void>;
  /** Resolves to the ids of the messages of a room that are saved. @throws {ChatError} */
  in(room: string, options?: CallOptions): Promise<readonly number[]>;
}

const isSaved = shape("room id:id version:id username user:person content timestamp clientId savedAt");

export function createSaved(session: Session, repeat: Request): PagesInside<SavedMessage> & Saved {
  const pages = createPages<SavedMessage>(
    plain(({ after, ...query }: PageQuery = {}) =>
      readPage<SavedMessage>(session, "saved/", isSaved, { ...query, before: after }),
    ),
  );
  const set = async (method: "PUT" | "DELETE", room: string, id: number, { signal }: CallOptions = {}) => {
    await repeat(method, roomPath(room, `messages/${id}/saved`), { signal });
    await pages.renew();
  };
  return {
    ...pages,
    add: (room, id, options) => set("PUT", room, id, options),
    remove: (room, id, options) => set("DELETE", room, id, options),
    async in(room, { signal } = {}) {
      const { body } = await session.request("GET", roomPath(room, "saved"), { signal });
      return listIn(body).filter((id) => typeof id === "number");
    },
  };
}
