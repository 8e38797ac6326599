import type { shape } from "../frames.ts";
import type { NoticeFrame } from "../message.ts";
import { type PageQuery, readPage, roomPath } from "../page.ts";
import { createPages, type PagesInside } from "./pages.ts";
import type { Session } from "../session.ts";

/** The side of a roll that the room uses. */
export interface RollInside extends Pick<PagesInside<unknown>, "connected" | "drop"> {
  notice(frame: NoticeFrame): void;
  /** Notices may have been missed. */
  missed(): void;
}

/** A roll, and the sides of it that the client uses. */
export type Roll<Item, Query extends PageQuery = PageQuery> = PagesInside<Item, Query> & RollInside;

interface Edit<Item> {
  get(id: string): Item | undefined;
  /** Replaces what is known about someone, unless something later is. Undefined: they are not on the list. */
  put(id: string, version: number, item: Item | undefined): void;
}

/** Someone on a roll: a person, or what holds for a `user`. `version`: since when it says what it says. */
interface Entry {
  readonly id?: string;
  readonly user?: { readonly id: string };
  readonly version?: number;
}

/**
 * A list of people in a room, which follows the room's notices once it is loaded. `name` is its name in addresses, and `isItem`
 * checks what a page has. `apply` takes in what a notice says.
 */
export function createRoll<Item extends Entry>(
  { room, session, name }: { readonly room: string; readonly session: Session; readonly name: string },
  isItem: ReturnType<typeof shape>,
  apply: (frame: NoticeFrame, edit: Edit<Item>) => void,
): Roll<Item> {
  let known = new Map<string, { readonly version: number; readonly item: Item | undefined }>();
  /** Notices that came while a page was loading, which may be older. */
  let late: NoticeFrame[] = [];

  const edit: Edit<Item> = {
    get: (id) => known.get(id)?.item,
    put(id, version, item) {
      if ((known.get(id)?.version ?? -1) <= version) known.set(id, { version, item });
    },
  };

  const pages = createPages<Item>({
    live: true,
    read: (query) => readPage(session, roomPath(room, name), isItem, query),
    items: () => [...known.values()].flatMap(({ item }) => item ?? []),
    take(items, first) {
      if (first) known = new Map();
      for (const item of items) edit.put((item.user ?? item).id as string, item.version ?? 0, item);
      for (const frame of late) apply(frame, edit);
      late = [];
    },
  });
  const { drop } = pages;

  return Object.assign(pages, {
    notice(frame: NoticeFrame) {
      if (pages.loading) late.push(frame);
      if (!pages.loaded) return;
      apply(frame, edit);
      pages.changed();
    },
    missed: () => void pages.renew(),
    drop() {
      late = [];
      drop();
    },
  });
}
