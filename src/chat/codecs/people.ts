import { fitting, type Named } from "../../person.ts";
import type { ServerFrame } from "../../protocol/frames.ts";
import type { PresenceNews } from "../ephemeral/presence.ts";

/** The most bytes of ids and names in a frame that lists people. */
const PROFILES_BYTES = 64 * 1024;

export const usernameOf = ({ username }: Named) => username;
export const profilesOf = (people: readonly Named[]) => [
  ...fitting(
    people.map(({ user }) => user),
    PROFILES_BYTES,
  ),
];

/** Anyone who has left is known by the username. */
export const presenceFrame = (room: string, { online, joined, left }: PresenceNews): ServerFrame => ({
  type: "presence",
  room,
  online,
  ...(joined && { joined: joined.map(usernameOf), profiles: profilesOf(joined) }),
  ...(left && { left: left.map(usernameOf) }),
});
