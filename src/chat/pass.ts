import type { Identity } from "../identity.ts";
import type { Action, Membership } from "./rights.ts";

declare const permits: unique symbol;

/**
 * Proof that a person may do something in a room. Everything that concerns a room asks for one, so that no code path can
 * forget to check access. Only `access/` issues passes, and a pass to read is no pass to post.
 */
export interface Pass<A extends Action = "read"> {
  readonly person: Identity;
  readonly room: string;
  /**
   * What the database knew when the pass was issued. It holds as long as the room's fence is what it was: commits, pages and
   * subscriptions compare the two.
   */
  readonly membership: Membership;
  /** Exists in the type alone. */
  readonly [permits]: { readonly [K in A]: true };
}
