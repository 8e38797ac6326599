import { shape } from "./frames.ts";
import type { NoticeFrame, Role, User } from "./message.ts";
import { type Page, type PageQuery, readPage, roomPath } from "./pages.ts";
import type { Session } from "./session.ts";
import { createSubject } from "./subject.ts";

/** A member of a room. */
export interface Member extends User {
  readonly role: Role;
  /** Until when they cannot post, ISO 8601. Null: until someone ends it. Absent if they can post. */
  readonly mutedUntil?: string | null | undefined;
  readonly joinedAt: string;
  /** The room's version at the latest change of the membership; 0 if none has one. */
  readonly version: number;
}

/** `limit` is 1 to 200 and defaults to 50. */
export interface MembersQuery extends PageQuery {
  /** Only people whose username or name begins like this, in any case. A page can then be short even if more pages follow. */
  readonly q?: string;
}

export interface MembersState {
  /** Those who were loaded, and those who were added since. In an open room, joining and leaving are not followed. */
  readonly members: readonly Member[];
  /** Whether there are more, which `load()` loads. True before the first page. */
  readonly more: boolean;
}

/** The members of a room. Once loaded, the list follows the room's notices. */
export interface Members {
  /** Returns the same object until something changes. */
  snapshot(): MembersState;
  subscribe(listener: () => void): () => void;
  /** Loads the first page, and then the next one with each call. Concurrent calls share one page. @throws {ChatError} */
  load(limit?: number): Promise<void>;
  /** Reads a page, or looks for people by their name, without changing the list. @throws {ChatError} */
  read(query?: MembersQuery): Promise<Page<Member>>;
}

/** The side of the members that the room uses. */
export interface MembersInside extends Members {
  notice(frame: NoticeFrame): void;
  /** Notices may have been missed. */
  missed(): void;
  drop(): void;
}

/** What is known about someone. Undefined: they are out. */
type Known = { readonly version: number; readonly member: Member | undefined };

export function createMembers(room: string, session: Session): MembersInside {
  let known = new Map<string, Known>();
  let next: string | undefined;
  let loaded = false;
  let loading: Promise<void> | undefined;
  /** Notices that came while a page was loading, which may be older. */
  let late: NoticeFrame[] = [];
  /** Rises when responses to earlier requests no longer matter. */
  let life = 0;

  const view = createSubject<MembersState>(() => ({
    members: [...known.values()].flatMap(({ member }) => member ?? []),
    more: !loaded || next !== undefined,
  }));

  const read = (query: MembersQuery = {}) =>
    readPage<Member>(session, roomPath(room, "members"), isMember, { ...query });

  const put = (id: string, version: number, member: Member | undefined) => {
    if ((known.get(id)?.version ?? -1) <= version) known.set(id, { version, member });
  };

  const apply = ({ id: version, timestamp, notice: { type, users, heir, role, until } }: NoticeFrame) => {
    for (const user of users) {
      const old = known.get(user.id)?.member;
      const isIn = type === "added" || type === "joined";
      if (isIn) put(user.id, version, { ...user, role: role ?? "member", joinedAt: timestamp, version });
      if (type === "removed" || type === "banned" || type === "left") put(user.id, version, undefined);
      if (!old) continue;
      if (type === "role" && role) put(user.id, version, { ...old, role, version });
      if (type === "muted") put(user.id, version, { ...old, mutedUntil: until ?? null, version });
      if (type === "unmuted") put(user.id, version, { ...old, mutedUntil: undefined, version });
    }
    const old = heir && known.get(heir.id)?.member;
    if (old) put(heir.id, version, { ...old, role: "owner", version });
  };

  const load = async (limit?: number): Promise<void> => {
    if (loaded && next === undefined) return;
    const mine = life;
    const page = await read({ after: next, limit });
    if (mine !== life) return;
    if (!loaded) known = new Map();
    loaded = true;
    ({ next } = page);
    for (const member of page.items) put(member.id, member.version, member);
    late.forEach(apply);
    view.changed();
  };

  const reset = () => {
    life++;
    loaded = false;
    next = undefined;
    loading = undefined;
    late = [];
  };

  const members: MembersInside = {
    snapshot: view.snapshot,
    subscribe: view.subscribe,
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
      apply(frame);
      view.changed();
    },
    missed() {
      if (!loaded) return;
      reset();
      members.load().catch(() => {}); // Until it succeeds, the list is what it was.
    },
    drop() {
      reset();
      known = new Map();
      view.changed();
    },
  };
  return members;
}

const isMember = shape("id username name? picture? role:role joinedAt version:whole");
