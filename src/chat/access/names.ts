import { createHmac } from "node:crypto";

/** The names that the server gives to rooms. They cannot be guessed, and the same creation always gets the same one. */
export interface RoomNames {
  /** The room that this person creates by this change. */
  ofCreation(creatorId: number, clientId: string): string;
  /** The direct room of these people, in any order. */
  ofPeople(userIds: readonly number[]): string;
}

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const LENGTH = 26;

/** `key`: a secret of the database. */
export function createRoomNames(key: string): RoomNames {
  const nameOf = (...parts: readonly (string | number)[]) => {
    const digest = createHmac("sha256", key).update(parts.join("\0")).digest();
    let name = "~";
    for (let index = 0; index < LENGTH; index++) {
      const bit = index * 5;
      const pair = ((digest[bit >> 3] ?? 0) << 8) | (digest[(bit >> 3) + 1] ?? 0);
      name += ALPHABET[(pair >> (11 - (bit & 7))) & 31];
    }
    return name;
  };

  return {
    ofCreation: (creatorId, clientId) => nameOf("room", creatorId, clientId),
    ofPeople: (userIds) => nameOf("direct", ...userIds.toSorted((a, b) => a - b)),
  };
}
