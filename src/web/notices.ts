import type { Notice } from "../client/index.ts";
import type { Me } from "./person.tsx";
import { counted, ROLES } from "./words.ts";

/** A piece of a sentence: words of ours, or a name or title that someone gave. */
export type Part = string | { readonly given: string };

type Profile = Notice["by"];

/** Names in a sentence are at most this many. */
const NAMED_MAX = 3;

/** Returns what a notice says, as a sentence without its full stop. `time` formats a time. */
export function sentenceOf(
  { by, notice }: Pick<Notice, "by" | "notice">,
  me: Pick<Me, "id"> | undefined,
  time: (iso: string) => string,
): Part[] {
  const { type, users, heir, role, until, title, topic, history, membersAdd, receipts } = notice;
  const isMe = ({ id }: Profile) => id === me?.id;
  const name = (person: Profile, my = "you"): Part =>
    isMe(person) ? my : { given: person.name ?? person.username };
  const who = by.username === "parley" && by.name === undefined ? "The operator" : name(by, "You");
  const others = users.filter(({ id }) => id !== by.id);
  const names = namesOf(type === "created" ? others : users, name);
  const began = users[0] && users.length === 1 && isMe(users[0]) ? "You" : undefined;
  const subject: Part[] = began ? [began] : namesOf(users, (person) => name(person, "You"));

  switch (type) {
    case "created":
      return [who, " created the room", ...(others.length > 0 ? [" with ", ...names] : [])];
    case "added":
      return [who, " added ", ...names, ...(role && role !== "member" ? [` as ${article(role)}`] : [])];
    case "joined":
      return [...subject, " joined"];
    case "left":
      return [
        ...subject,
        " left",
        ...(heir ? ["; ", name(heir), isMe(heir) ? " are" : " is", " an owner now"] : []),
      ];
    case "removed":
      return [who, " removed ", ...names];
    case "banned":
      return [who, " banned ", ...names];
    case "unbanned":
      return [who, " lifted the ban on ", ...names];
    case "muted":
      return [who, " muted ", ...names, ...(until ? [` until ${time(until)}`] : [])];
    case "unmuted":
      return [who, " let ", ...names, " write again"];
    case "role":
      return [who, " made ", ...names, ` ${users.length > 1 ? `${role}s` : article(role ?? "member")}`];
    case "title":
      return title
        ? [who, " renamed the room to ", { given: title }]
        : [who, " removed the title of the room"];
    case "topic":
      return topic
        ? [who, " changed the topic to ", { given: topic }]
        : [who, " removed the topic of the room"];
    case "history":
      return [
        who,
        history === "all" ? " let new members see all messages" : " let new members see only what follows",
      ];
    case "settings":
      if (membersAdd !== undefined)
        return [
          who,
          membersAdd ? " let every member add people" : " let only owners and moderators add people",
        ];
      return [who, receipts ? " turned read receipts on" : " turned read receipts off"];
    case "archived":
      return [who, " archived the room"];
    case "restored":
      return [who, " restored the room"];
    case "kind":
      return [who, " changed who can enter the room"];
    case "deleted":
      return [who, " deleted the room"];
    default:
      return [who, " changed the room"];
  }
}

/** "Ada", "Ada and Ben", "Ada, Ben and 3 others". */
function namesOf(people: readonly Profile[], name: (person: Profile) => Part): Part[] {
  const shown = people
    .slice(0, people.length > NAMED_MAX ? NAMED_MAX - 1 : NAMED_MAX)
    .map((person) => name(person));
  const more = people.length - shown.length;
  const all: Part[] = more > 0 ? [...shown, counted(more, "other")] : shown;
  return all.flatMap((part, at) => (at === 0 ? [part] : [at === all.length - 1 ? " and " : ", ", part]));
}

const article = (role: keyof typeof ROLES) => `${role === "owner" ? "an" : "a"} ${role}`;

export const textOf = (parts: readonly Part[]): string =>
  parts.map((part) => (typeof part === "string" ? part : part.given)).join("");
