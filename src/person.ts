import * as v from "valibot";

/** A person as clients know them. {@link personOf} always sets both keys: objects of one shape are faster to encode. */
export interface Person {
  /** It never changes: the subject of an outside identity, or `u_…`. */
  readonly id: string;
  /** The display name; undefined if it is the username. */
  readonly name?: string | undefined;
}

/** A person with the username that stands beside them. */
export interface Named {
  readonly username: string;
  readonly user: Person;
}

/** A person as lists show them. Absent: they have no picture, or no name besides the username. */
export interface PersonShown {
  /** Their public id. */
  readonly id: string;
  readonly username: string;
  readonly name?: string;
  /** The address of a picture. */
  readonly picture?: string;
}

/** A {@link Person} that comes from another node. */
export const PERSON = v.pipe(
  v.object({ id: v.pipe(v.string(), v.minLength(1)), name: v.optional(v.string()) }),
  v.transform(({ id, name }): Person => ({ id, name })),
);

/** The columns of a person. */
export interface PersonRow {
  readonly uid: string;
  readonly name: string | null;
  readonly username: string;
}

export const personOf = ({ uid, name, username }: PersonRow): Person => ({
  id: uid,
  name: name === null || name === username ? undefined : name,
});

/**
 * Returns the first people whose JSON fits into so many bytes. Subjects may be long, and a frame has a maximum size; ids
 * and names that do not fit are left out.
 */
export function fitting(people: readonly Person[], bytes: number): readonly Person[] {
  let left = bytes;
  const end = people.findIndex((person) => {
    left -= sizeOf(person);
    return left < 0;
  });
  return end < 0 ? people : people.slice(0, end);
}

/** The bytes of a person in a list. */
export const sizeOf = ({ id, name }: Person): number =>
  22 + bytesIn(id) + (name === undefined ? 0 : bytesIn(name));

/** What JSON escapes. */
const ESCAPED = /[\u0000-\u001f"\\]/;
export const bytesIn = (text: string) => Buffer.byteLength(ESCAPED.test(text) ? JSON.stringify(text) : text);
