import { phrases } from "./phrases.ts";

const { plural, fewOf } = phrases("en-GB");

/** A name or title that someone gave, in a sentence that is not only text. */
export interface Given {
  readonly given: string;
}
/** A piece of a sentence. */
export type Part = string | Given;
/** Someone in a sentence: the reader, if `you`. */
export interface Named {
  readonly you: boolean;
  readonly name: Given;
}

const you = ({ you, name }: Named): Part => (you ? "you" : name);
const You = ({ you, name }: Named): Part => (you ? "You" : name);
const others = (count: number) => plural(count, { one: "# other", other: "# others" });
/** "Ada", "Ada and you", "Ada, Ben and 3 others". */
const people = (named: readonly Named[]): Part[] => fewOf(named.map(you), 3, others);
const subjects = (named: readonly Named[]): Part[] => {
  const [only, ...more] = named;
  return only && more.length === 0 ? [You(only)] : fewOf(named.map(You), 3, others);
};
const AS = { owner: "an owner", moderator: "a moderator", member: "a member" };
const ROLES = { owner: "owners", moderator: "moderators", member: "members" };
type Role = keyof typeof AS;

/** What notices say. They are loaded with the first conversation. */
export const notices = {
  operator: "The operator",
  earlier: (count: number) =>
    plural(count, { one: "# earlier change to the room", other: "# earlier changes to the room" }),
  created: (who: Named, those: readonly Named[]): Part[] =>
    those.length > 0
      ? [You(who), " created the room with ", ...people(those)]
      : [You(who), " created the room"],
  added: (who: Named, those: readonly Named[], role: Role): Part[] => [
    ...[You(who), " added ", ...people(those)],
    ...(role === "member" ? [] : [` as ${AS[role]}`]),
  ],
  joined: (those: readonly Named[]): Part[] => [...subjects(those), " joined"],
  left: (those: readonly Named[], heir: Named | undefined): Part[] => [
    ...[...subjects(those), " left"],
    ...(heir ? ["; ", you(heir), heir.you ? " are an owner now" : " is an owner now"] : []),
  ],
  removed: (who: Named, those: readonly Named[]): Part[] => [You(who), " removed ", ...people(those)],
  banned: (who: Named, those: readonly Named[]): Part[] => [You(who), " banned ", ...people(those)],
  unbanned: (who: Named, those: readonly Named[]): Part[] => [
    You(who),
    " lifted the ban on ",
    ...people(those),
  ],
  muted: (who: Named, those: readonly Named[], until: string | undefined): Part[] => [
    ...[You(who), " muted ", ...people(those)],
    ...(until ? [` until ${until}`] : []),
  ],
  unmuted: (who: Named, those: readonly Named[]): Part[] => [
    ...[You(who), " let ", ...people(those), " write again"],
  ],
  role: (who: Named, those: readonly Named[], role: Role): Part[] => [
    ...[You(who), " made ", ...people(those), ` ${those.length > 1 ? ROLES[role] : AS[role]}`],
  ],
  title: (who: Named, title: Given | undefined): Part[] =>
    title ? [You(who), " renamed the room to ", title] : [You(who), " removed the title of the room"],
  topic: (who: Named, topic: Given | undefined): Part[] =>
    topic ? [You(who), " changed the topic to ", topic] : [You(who), " removed the topic of the room"],
  historyAll: (who: Named): Part[] => [You(who), " let new members see all messages"],
  historyJoined: (who: Named): Part[] => [You(who), " let new members see only what follows"],
  addedByMembers: (who: Named): Part[] => [You(who), " let every member add people"],
  addedByModerators: (who: Named): Part[] => [You(who), " let only owners and moderators add people"],
  receiptsOn: (who: Named): Part[] => [You(who), " turned read receipts on"],
  receiptsOff: (who: Named): Part[] => [You(who), " turned read receipts off"],
  archived: (who: Named): Part[] => [You(who), " archived the room"],
  restored: (who: Named): Part[] => [You(who), " restored the room"],
  kind: (who: Named): Part[] => [You(who), " changed who can enter the room"],
  deleted: (who: Named): Part[] => [You(who), " deleted the room"],
  pins: (count: number) => plural(count, { one: "# pinned message", other: "# pinned messages" }),
  pinned: (who: Named): Part[] => [You(who), " pinned a message"],
  unpinned: (who: Named): Part[] => [You(who), " unpinned a message"],
  changed: (who: Named): Part[] => [You(who), " changed the room"],
};

export type NoticeWords = typeof notices;
