import type { Child } from "hono/jsx";
import { phrases } from "./phrases.ts";

const { plural, list, listOf, fewOf, number } = phrases("en-GB");

const others = (count: number) => plural(count, { one: "# other", other: "# others" });

/** The words of conversations. They are loaded with the first one. */
export const talk = {
  acts: {
    label: "Message actions",
    react: "React",
    reply: "Reply",
    thread: "Reply in a thread",
    copy: "Copy text",
    link: "Copy link",
    unread: "Mark unread from here",
    edit: "Edit",
    remove: "Delete",
    removeForAll: "Delete for everyone",
    report: "Report",
    cancel: "Cancel",
    moreEmoji: "More emoji",
  },
  announcer: {
    label: "New messages",
    message: (name: string, text: string) => `${name}: ${text}`,
    more: (count: number) => plural(count, { one: "# more message", other: "# more messages" }),
  },
  composer: {
    again: "Try again",
    cancelReply: "Cancel reply",
    discard: "Discard",
    edit: "Edit",
    editing: "Editing",
    field: (room: string) => `Message to ${room}`,
    newLine: "New line",
    left: (count: number) => plural(count, { one: "# character left", other: "# characters left" }),
    notEdited: (why: string) => `Your edit was not saved. ${why}`,
    notSent: (why: string) => `Not sent. ${why}`,
    placeholder: (room: string) => `Message ${room}`,
    replyingTo: "Replying to",
    save: "Save",
    send: "Send",
    sending: "sending…",
    stopEditing: "Stop editing",
    tooLong: (count: number) =>
      plural(count, {
        one: "This message is 1 character too long.",
        other: "This message is # characters too long.",
      }),
    waiting: "waiting for the connection",
    withdraw: "Do not send",
    yourMessage: "your message",
  },
  connection: {
    notConnected: (why: string) => `Not connected. ${why}`,
    lost: "Connection lost. Reconnecting…",
    offline: "You are offline.",
    waiting: (count: number) => plural(count, { one: "# message waiting.", other: "# messages waiting." }),
    notSentIn: "Something was not sent in",
    nothingLost: "Your messages will be sent later.",
    reconnect: "Reconnect",
  },
  conversation: {
    beginning: (room: unknown) => ["This is the beginning of ", room],
    loadingEarlier: "Loading earlier messages…",
    loadingLater: "Loading later messages…",
    lost: {
      missing: "There is no message at this link.",
      hidden: "You cannot see this message: it was posted before you could read this room.",
      deleted: "This message was deleted.",
      failed: "The message could not be loaded. Try again when you are connected.",
    },
    markRead: "Mark as read",
    messagesIn: (room: string) => `Messages in ${room}`,
    new: "New",
    newMessages: (count: number) => `${count > 99 ? "99+" : count} new`,
    newest: "Newest",
    noMessages: "No messages here yet.",
    ok: "OK",
    back: "Back to the rooms",
    notInRoom: "You are not in this room.",
    details: "Room details",
    people: (online: number) => `${number(online)} online: show people`,
    archived: "This room is archived. Nobody can write in it.",
    muted: "You are muted. You can read this room, but not write in it.",
    mutedUntil: (time: string) => `You are muted until ${time}.`,
    /** For one person or two. */
    typing: (names: readonly Child[]): Child[] => [
      ...listOf(names),
      names.length === 1 ? " is typing…" : " are typing…",
    ],
    manyTyping: (count: number) => `${number(count)} people are typing…`,
  },
  message: {
    /** What a screen reader says when a message gets the focus. */
    label: (name: string, time: string, text: string) => `${name}, ${time}: ${text}`,
    deleted: "Message deleted",
    edited: "edited",
    missing: "Message not found",
    earlier: "Earlier message",
    folded: "A message of someone whom you block.",
    unfold: "Show it",
    reaction: (emoji: string, count: number, names: readonly string[]) =>
      `${emoji} ${number(count)}: ${list(names)}`,
    reactors: (names: readonly string[]) => list(names),
  },
  online: {
    label: "People in this room",
    title: "Online now",
    close: "Close the list of people",
    you: "you",
    unknown: "Unknown while offline.",
    more: (count: number) => plural(count, { one: "and # more", other: "and # more" }),
  },
  receipts: {
    seen: "Seen",
    seenBy: (names: readonly string[]) => `Seen by ${fewOf(names, 3, others).join("")}`,
  },
  emoji: {
    open: "Choose an emoji",
  },
  text: {
    copy: "Copy",
    copied: "Copied",
  },
};

export type TalkWords = typeof talk;
