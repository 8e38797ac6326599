import type { Child } from "hono/jsx";
import { phrases } from "./phrases.ts";

const { plural, fewOf } = phrases("en-GB");

const others = (count: number) => plural(count, { one: "# other", other: "# others" });

/** What the page shows at first, in English. Another language is a file of the same shape. */
export const en = {
  language: { tag: "en", dir: "ltr" },
  /** What becomes of messages. */
  outcome: {
    dealtWith: "You have dealt with this message in another tab.",
    noReaction: (why: string) => `Your reaction was not added. ${why}`,
    notDeleted: (why: string) => `The message was not deleted. ${why}`,
    onItsWay: "This message may have arrived already. You can delete it once it is sent.",
  },
  page: {
    toConversation: "Skip to the conversation",
    toComposer: "Skip to the message field",
    today: "Today",
    yesterday: "Yesterday",
  },
  rooms: {
    account: (name: Child): Child[] => ["Account of ", name],
    archived: "Archived",
    away: "You are not connected. Your rooms appear here as soon as you are.",
    beginHere: "Begin here, or wait until someone adds you to a room.",
    chooseRoom: "Choose a room, or begin here.",
    deleted: "Message deleted",
    files: (count: number) => plural(count, { one: "File", other: "# files" }),
    find: "Find a room or a person",
    findKey: "Ctrl K",
    findKeyApple: "⌘K",
    haveLink: "If someone sent you a link to a room, open it to join.",
    hideHidden: "Put hidden rooms away",
    list: "Rooms",
    mentioned: (count: number) =>
      plural(count, { one: "# message mentions you", other: "# messages mention you" }),
    mentions: "Mentions",
    loading: "Loading your rooms…",
    more: "Show more rooms",
    moreUnread: "more than 99 unread",
    noMessages: "No messages yet",
    noRooms: "You have no rooms yet.",
    noneHidden: "You have not hidden any rooms.",
    openLobby: "Open the lobby",
    pinned: "Pinned",
    search: "Search messages",
    saved: "Saved messages",
    showHidden: "Show hidden rooms",
    start: "New conversation",
    startOne: "Start a conversation",
    typing: "someone is typing…",
    unread: (count: number) => `${count} unread`,
    welcome: "Welcome",
    you: "You",
    yours: "Your rooms",
  },
  parts: {
    notLoaded: "This part of the page could not be loaded.",
    reload: "Reload the page",
  },
  names: {
    /** Of more people, the last are only counted. */
    some: (names: readonly string[], most: number) => fewOf(names, most, others).join(""),
    untitled: "Untitled room",
  },
};

export type Words = typeof en;
