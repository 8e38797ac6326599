import type { RoomSummary } from "../../client/index.ts";

/** What the page offers in a room. The server decides: this only hides what it would refuse. */
export interface Rights {
  /** Title and topic. */
  readonly describe: boolean;
  /** Removing, muting and banning people, reports and the deletion of others' messages. */
  readonly moderate: boolean;
  readonly pin: boolean;
  /** Roles, what new members see, archiving. */
  readonly govern: boolean;
  readonly leave: boolean;
}

export function rightsIn({ kind, role }: Pick<RoomSummary, "kind" | "role">): Rights {
  const own = kind === "private";
  const moderate = kind !== "direct" && (role === "owner" || role === "moderator");
  return {
    describe: own && moderate,
    moderate,
    pin: kind === "direct" || (own && moderate),
    govern: own && role === "owner",
    leave: kind !== "direct",
  };
}
