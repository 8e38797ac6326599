import type { User } from "../../client/index.ts";
import type { Rooms } from "../rooms/rooms.ts";
import type { Shared } from "../page/shared.ts";

/** Returns the people whom the page has seen in the person's rooms, except the person. */
export function peopleIn(rooms: Rooms, me: string | undefined): User[] {
  const found = new Map<string, User>();
  const add = (person: User) => {
    if (person.id !== me && person.username !== "parley" && !found.has(person.id))
      found.set(person.id, person);
  };
  for (const { people = [], last } of rooms.snapshot().lines) {
    people.forEach(add);
    if (last) add({ ...last.user, username: last.username });
  }
  for (const room of rooms.opened()) {
    const { messages, people, typing } = room.snapshot();
    for (const person of [...people, ...typing]) add(person);
    for (const { user, username } of messages.slice(-200)) add({ ...user, username });
  }
  return [...found.values()];
}

/** Members of this many rooms are read. Each costs the person's budget. */
const READ_MAX = 5;

/** Resolves to the people of the rooms that were active last. */
export async function peopleNear({ chat, rooms }: Shared, me: string | undefined): Promise<User[]> {
  const near = rooms
    .snapshot()
    .lines.filter(({ kind }) => kind !== "direct")
    .slice(0, READ_MAX);
  const lists = await Promise.all(
    near.map(({ room }) =>
      chat
        .room(room)
        .members.read()
        .then(
          ({ items }) => items,
          () => [],
        ),
    ),
  );
  const found = new Map([...lists.flat(), ...peopleIn(rooms, me)].map((person) => [person.id, person]));
  if (me !== undefined) found.delete(me);
  return [...found.values()];
}
