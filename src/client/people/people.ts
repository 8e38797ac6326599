import type { CallOptions, LeaveOptions, Sessions } from "../chatstate.ts";
import { listIn, type PageQuery, roomPath } from "../page.ts";
import type { Request, Session, SessionInfo } from "../session.ts";
import { type BlocksInside, createBlocks } from "./blocks.ts";
import { createFounding, type Founding } from "./founding.ts";
import { type Ban, createBans, createMembers, type Member, type MembersQuery } from "./members.ts";
import { createPages, type PagesInside, plain } from "./pages.ts";
import { type Profile, setProfile, type Stored } from "./profile.ts";
import { createRequests, type RequestsInside } from "./requests.ts";
import type { Roll } from "./roll.ts";

// For other parts.
export { createPages, plain } from "./pages.ts";
export { renewing } from "./renewing.ts";
// The part of the client for people: who is in rooms and what they may do there, and what a person says about themselves.

export interface PeopleOptions {
  readonly session: Session;
  /** Makes a request that is idempotent, until its outcome is known. */
  readonly repeat: Request;
  readonly uuid: () => string;
  /** The person blocks other people than before. */
  changed(): void;
}

/** The lists of a room, and what one can ask for there. */
export interface RoomPeople extends RequestsInside {
  readonly members: Roll<Member, MembersQuery>;
  readonly bans: Roll<Ban>;
}

export interface People extends Founding {
  readonly blocks: BlocksInside;
  readonly sessions: PagesInside<SessionInfo> & Sessions;
  /** Stores a profile, and renews the token, which says what its person is called. */
  setProfile(profile: Profile, call?: CallOptions): Promise<Stored | undefined>;
  /** Ends the membership of this person. */
  leave(room: string, options?: LeaveOptions): Promise<void>;
  of(room: string): RoomPeople;
}

export function createPeople({ session, repeat, uuid, changed }: PeopleOptions): People {
  return {
    ...createFounding(repeat, uuid),
    blocks: createBlocks(session, repeat, changed),
    sessions: createSessions(session),
    setProfile: (profile, call) => setProfile(session, profile, call),
    async leave(room, { heir, signal } = {}) {
      const query = new URLSearchParams({ clientId: uuid(), ...(heir !== undefined && { heir }) });
      await repeat("DELETE", `${roomPath(room, "members/me")}?${query}`, { signal });
    },
    of: (room) => ({
      members: createMembers(room, session),
      bans: createBans(room, session),
      ...createRequests(room, session, repeat, uuid),
    }),
  };
}

function createSessions(session: Session): PagesInside<SessionInfo> & Sessions {
  const sessions = createPages(
    plain(async ({ signal }: PageQuery = {}) => {
      const { body } = await session.request("GET", "account/sessions/", { signal });
      return { items: listIn(body) as SessionInfo[] };
    }),
  );
  const end = async (which: string, call?: CallOptions) => {
    await session.request("DELETE", `account/sessions/${which}`, call);
    await sessions.renew();
  };
  return Object.assign(sessions, {
    end: (id: string, call?: CallOptions) => end(`${encodeURIComponent(id)}/`, call),
    endOthers: (call?: CallOptions) => end("", call),
  });
}
