import type { RoomAction } from "../grants.ts";
import type { Identity } from "../identity.ts";

declare const permits: unique symbol;

/**
 * Proof that a person may do something in a room. Everything that concerns a room asks for one, so that no code path can
 * forget to check access. Only `access/` issues passes, and a pass to read is no pass to post.
 */
export interface Pass<A extends RoomAction = "read"> {
  readonly person: Identity;
  readonly room: string;
  /** Everything that the person may do in the room; `A` is what the holder has checked. */
  readonly actions: readonly RoomAction[];
  /** Exists in the type alone. */
  readonly [permits]: { readonly [K in A]: true };
}
