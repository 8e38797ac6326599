import { shape } from "../frames.ts";
import type { User } from "../message.ts";
import { readPage } from "../page.ts";
import { createPages, type Pages, type PagesInside } from "./pages.ts";
import type { Request, Session } from "../session.ts";

/** Someone whom the person blocks. */
export interface Block {
  readonly user: User;
  readonly since: string;
}

/**
 * The people whom a person blocks. `load` loads all of them. From then on, rooms say whose messages to fold: see
 * `RoomState.folded`. A `user` is their id, or `@` and their username.
 */
export interface Blocks extends Pages<Block> {
  /** Blocks someone: neither can post in the direct room of the two. @throws {ChatError} */
  add(user: string, options?: { readonly signal?: AbortSignal }): Promise<void>;
  remove(user: string, options?: { readonly signal?: AbortSignal }): Promise<void>;
}

export interface BlocksInside extends PagesInside<Block>, Blocks {
  /** Returns the ids of the people: the same array until something changes. */
  ids(): readonly string[];
  /** Loads them again if they were loaded: another device may have changed them. */
  connected(): void;
}

const PAGE = 100;

export function createBlocks(session: Session, repeat: Request, changed: () => void): BlocksInside {
  let blocks: readonly Block[] = [];
  let ids: readonly string[] = [];

  const pages = createPages<Block>({
    async read({ signal } = {}) {
      const items: Block[] = [];
      let after: string | undefined;
      do {
        const page = await readPage<Block>(session, "blocks/", isBlock, { after, limit: PAGE, signal });
        items.push(...page.items);
        after = page.next;
      } while (after !== undefined);
      return { items };
    },
    items: () => blocks,
    take(next) {
      if (next.length + blocks.length === 0) return;
      blocks = next;
      ids = next.map(({ user }) => user.id);
      changed();
    },
  });

  const change =
    (method: string): Blocks["add"] =>
    async (user, call) => {
      await repeat(method, `blocks/${encodeURIComponent(user)}/`, call);
      await (pages.loaded ? pages.renew() : pages.load());
    };

  return Object.assign(pages, {
    ids: () => ids,
    add: change("PUT"),
    remove: change("DELETE"),
    connected: () => void pages.renew(),
  });
}

const isBlock = shape("user:user since");
