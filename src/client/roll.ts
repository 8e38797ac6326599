import type { shape } from "./frames.ts";
import type { NoticeFrame } from "./message.ts";
import { type Page, type PageQuery, readPage, roomPath } from "./pages.ts";
import type { Session } from "./session.ts";
import { createSubject, type Store } from "./subject.ts";

/** A list of people in a room, which is loaded page by page. Once loaded, it follows the room's notices. */
export interface Roll<State, Item, Query extends PageQuery = PageQuery> extends Store<State> {
  /** Loads the first page, and then the next one with each call. Concurrent calls share one page. @throws {ChatError} */
  load(limit?: number): Promise<void>;
  /** Reads a page without changing the list. @throws {ChatError} */
  read(query?: Query): Promise<Page<Item>>;
}

/** The side of a roll that the room uses. */
export interface RollInside {
  notice(frame: NoticeFrame): void;
  /** Notices may have been missed. */
  missed(): void;
  drop(): void;
}

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
 * `name` is the roll's name in addresses and in its state, and `isItem` checks what a page has. `apply` takes in what a notice
 * says.
 */
export function createRoll<State, Item extends Entry>(
  {
    room,
    session,
    name,
  }: { readonly room: string; readonly session: Session; readonly name: keyof State & string },
  isItem: ReturnType<typeof shape>,
  apply: (frame: NoticeFrame, edit: Edit<Item>) => void,
) {
  let known = new Map<string, { readonly version: number; readonly item: Item | undefined }>();
  let next: string | undefined;
  let loaded = false;
  let loading: Promise<void> | undefined;
  /** Notices that came while a page was loading, which may be older. */
  let late: NoticeFrame[] = [];
  /** Rises when responses to earlier requests no longer matter. */
  let life = 0;

  const view = createSubject(
    () =>
      ({
        [name]: [...known.values()].flatMap(({ item }) => item ?? []),
        more: !loaded || next !== undefined,
      }) as State,
  );

  const edit: Edit<Item> = {
    get: (id) => known.get(id)?.item,
    put(id, version, item) {
      if ((known.get(id)?.version ?? -1) <= version) known.set(id, { version, item });
    },
  };

  const read = (query?: PageQuery) => readPage<Item>(session, roomPath(room, name), isItem, query);

  const load = async (limit?: number): Promise<void> => {
    if (loaded && next === undefined) return;
    const mine = life;
    const page = await read({ after: next, limit });
    if (mine !== life) return;
    if (!loaded) known = new Map();
    loaded = true;
    ({ next } = page);
    for (const item of page.items) edit.put((item.user ?? item).id as string, item.version ?? 0, item);
    for (const frame of late) apply(frame, edit);
    view.changed();
  };

  const reset = () => {
    life++;
    loaded = false;
    next = loading = undefined;
    late = [];
  };

  const roll: Roll<State, Item> & RollInside = {
    ...view,
    read,
    load(limit) {
      const mine = life;
      loading ??= load(limit).finally(() => {
        if (mine !== life) return;
        loading = undefined;
        late = [];
      });
      return loading;
    },
    notice(frame) {
      if (loading) late.push(frame);
      if (!loaded) return;
      apply(frame, edit);
      view.changed();
    },
    missed() {
      if (!loaded) return;
      reset();
      roll.load().catch(() => {}); // Until it succeeds, the list is what it was.
    },
    drop() {
      reset();
      known = new Map();
      view.changed();
    },
  };
  return roll;
}
