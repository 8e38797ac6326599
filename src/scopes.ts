import * as v from "valibot";
import { ROOM_NAME_MAX } from "./protocol/limits.ts";
import { roomName } from "./protocol/rooms.ts";
import { text } from "./protocol/text.ts";

/** The parts of what operators do: see the table in OPERATIONS.md. */
export const ADMIN_PARTS = ["people", "rooms", "moderation", "keys", "audit", "search"] as const;
export const ROOM_ACTIONS = ["read", "post", "moderate", "manage"] as const;

export type RoomScope = `rooms:${(typeof ROOM_ACTIONS)[number]}`;
/** What a scope allows. Those of rooms do so in some rooms. */
export type ScopeName =
  "admin" | `admin:${(typeof ADMIN_PARTS)[number]}` | "events" | "hooks" | "as" | RoomScope;

/** One thing that a key may do. */
export interface Scope {
  readonly name: ScopeName;
  /** With a scope of rooms: the name of a room, or the beginning of names and `*`. Otherwise empty. */
  readonly rooms: string;
}

const SCOPES_MAX = 50;
/** The longest scope, in characters: a name before the pattern, and `*` after it. */
const SCOPE_MAX = ROOM_NAME_MAX + 20;

const PLAIN: readonly string[] = [
  "admin",
  ...ADMIN_PARTS.map((part) => `admin:${part}` as const),
  "events",
  "hooks",
  "as",
] satisfies ScopeName[];
const OF_ROOMS: readonly string[] = ROOM_ACTIONS.map((action) => `rooms:${action}`);

/** Scopes that include another one, in all rooms. */
const INCLUDED: Partial<Record<ScopeName, RoomScope>> = {
  "admin:rooms": "rooms:manage",
  "admin:moderation": "rooms:moderate",
};

export const isRoomScope = (name: string): name is RoomScope => OF_ROOMS.includes(name);

/** How a scope is written: `admin:people`, or `rooms:read:orders-*`. */
export const writtenScope = ({ name, rooms }: Scope): string => (rooms === "" ? name : `${name}:${rooms}`);

/** Returns the scope that is written so; undefined if there is none. */
export function scopeOf(written: string): Scope | undefined {
  if (written.length > 2 * SCOPE_MAX) return undefined;
  if (PLAIN.includes(written)) return { name: written as ScopeName, rooms: "" };
  const [, name = "", pattern = ""] = /^(rooms:[a-z]+):(.+)$/s.exec(written) ?? [];
  if (!OF_ROOMS.includes(name)) return undefined;
  const rooms = patternOf(pattern);
  return rooms === undefined ? undefined : { name: name as RoomScope, rooms };
}

/** Returns a pattern in the normal form of room names. */
function patternOf(written: string): string | undefined {
  if (written === "*" || written === "~*") return written;
  const isPrefix = written.endsWith("*");
  const name = roomName(isPrefix ? written.slice(0, -1) : written);
  return name === null ? undefined : isPrefix ? `${name}*` : name;
}

/** The scopes of a key, as requests and commands give them. Each is kept once. */
export const scopeList = v.pipe(
  v.array(text({ min: 1, max: SCOPE_MAX }), "must be a list"),
  v.minLength(1, "must name at least one scope"),
  v.maxLength(SCOPES_MAX, `must name at most ${SCOPES_MAX} scopes`),
  v.metadata({ description: "Such as rooms:read:orders-*, events or admin:people. See OPERATIONS.md." }),
  v.rawTransform(({ dataset, addIssue, NEVER }): readonly Scope[] => {
    const scopes = new Map<string, Scope>();
    for (const written of dataset.value) {
      const scope = scopeOf(written);
      if (!scope) {
        addIssue({
          message: `must name scopes that exist: ${PLAIN.join(", ")}, or ${OF_ROOMS.join(", ")} with a room such as orders-7 or orders-*`,
        });
        return NEVER;
      }
      scopes.set(writtenScope(scope), scope);
    }
    return [...scopes.values()];
  }),
);

/** How scopes are stored: separated by spaces, as in OAuth (RFC 6749, section 3.3). */
export const storedScopes = (scopes: readonly Scope[]): string => scopes.map(writtenScope).join(" ");
/** Those that this version does not know are left out, so they allow nothing. */
export const scopesStored = (stored: string): readonly Scope[] =>
  stored.split(" ").flatMap((written) => scopeOf(written) ?? []);

/** Whether whoever has one scope may do all that the other one allows. */
export function covers(one: Scope, other: Scope): boolean {
  if (one.name === "admin") return true;
  if (INCLUDED[one.name] === other.name) return true;
  return one.name === other.name && coversRooms(one.rooms, other.rooms);
}

/** Works for patterns and for names of rooms, in which `*` never occurs. */
const coversRooms = (one: string, other: string): boolean =>
  one === other || (one.endsWith("*") && other.startsWith(one.slice(0, -1)));

/** A key, or ADMIN_TOKEN, that a request has shown. */
export interface KeyHolder {
  /** 0 for ADMIN_TOKEN. */
  readonly id: number;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** Null: it is valid until it is revoked. */
  readonly expiresAt: Date | null;
  /** How many times the budgets of a person it has. */
  readonly budget: number;
  /** Whether it may do something, in a room if the scope is one of rooms. Without a room: in some room. */
  allows(scope: ScopeName, room?: string): boolean;
  /** The rooms that a scope allows it, as patterns: `orders-*`, or `*` for all. */
  roomsOf(scope: RoomScope): readonly string[];
}

export function keyHolder(key: Omit<KeyHolder, "allows" | "roomsOf">): KeyHolder {
  const { id, name, scopes, expiresAt, budget } = key;
  const roomsOf = (wanted: RoomScope) =>
    scopes.flatMap((scope) =>
      scope.name === wanted ? scope.rooms : covers(scope, { name: wanted, rooms: "*" }) ? "*" : [],
    );
  return {
    ...{ id, name, scopes, expiresAt, budget },
    roomsOf,
    allows(wanted, room) {
      if (room === undefined && isRoomScope(wanted)) return roomsOf(wanted).length > 0;
      return scopes.some((scope) => covers(scope, { name: wanted, rooms: room ?? "" }));
    },
  };
}
