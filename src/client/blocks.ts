import { shape } from "./frames.ts";
import type { User } from "./message.ts";
import { readPage } from "./pages.ts";
import type { Session } from "./session.ts";
import type { Steady } from "./steady.ts";
import { createSubject } from "./subject.ts";

/** Someone whom the person blocks. */
export interface Block {
  readonly user: User;
  readonly since: string;
}

/** The people whom a person blocks. A `user` is their id, or `@` and their username. */
export interface Blocks {
  /** Returns them as far as they are loaded: the same array until something changes. */
  snapshot(): readonly Block[];
  subscribe(listener: () => void): () => void;
  /** Loads all of them. From then on, rooms say whose messages to fold: see `RoomState.folded`. @throws {ChatError} */
  load(): Promise<void>;
  /** Blocks someone: neither can post in the direct room of the two. @throws {ChatError} */
  add(user: string, options?: { readonly signal?: AbortSignal }): Promise<void>;
  remove(user: string, options?: { readonly signal?: AbortSignal }): Promise<void>;
}

export interface BlocksInside extends Blocks {
  /** The ids of the people: the same array until something changes. */
  readonly ids: readonly string[];
  /** Loads them again if they were loaded: another device may have changed them. */
  connected(): void;
  drop(): void;
}

const PAGE = 100;

export function createBlocks(session: Session, steady: Steady, changed: () => void): BlocksInside {
  let blocks: readonly Block[] = [];
  let ids: readonly string[] = [];
  let loaded = false;
  /** Rises when responses to earlier requests no longer matter. */
  let life = 0;
  const view = createSubject(() => blocks);

  const set = (next: readonly Block[]) => {
    blocks = next;
    ids = next.map(({ user }) => user.id);
    view.changed();
    changed();
  };

  const load = async () => {
    const mine = ++life;
    const found: Block[] = [];
    let after: string | undefined;
    do {
      const page = await readPage<Block>(session, "blocks/", isBlock, { after, limit: PAGE });
      found.push(...page.items);
      after = page.next;
    } while (after !== undefined);
    if (mine !== life) return;
    loaded = true;
    set(found);
  };

  const change = async (method: string, user: string, given: AbortSignal | undefined) => {
    const path = `blocks/${encodeURIComponent(user)}/`;
    await steady.run((signal) => session.request(method, path, { signal }), given);
    await load();
  };

  return {
    snapshot: view.snapshot,
    subscribe: view.subscribe,
    get ids() {
      return ids;
    },
    load,
    add: (user, { signal } = {}) => change("PUT", user, signal),
    remove: (user, { signal } = {}) => change("DELETE", user, signal),
    connected() {
      if (loaded) load().catch(() => {}); // Until it succeeds, the list is what it was.
    },
    drop() {
      life++;
      loaded = false;
      if (blocks.length > 0) set([]);
    },
  };
}

const isBlock = shape("user:user since");
