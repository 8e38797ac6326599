/** `open`: anyone may enter. `private`: its members. `direct`: its members, who stay the same. */
export const ROOM_KINDS = ["open", "private", "direct"] as const;
export type RoomKind = (typeof ROOM_KINDS)[number];

export const ROLES = ["owner", "moderator", "member"] as const;
export type Role = (typeof ROLES)[number];

/** What someone wants to be notified about in a room. */
export const NOTIFY = ["all", "mentions", "none"] as const;
export type Notify = (typeof NOTIFY)[number];

/** What new members see of the past. */
export const HISTORIES = ["all", "joined"] as const;
export type History = (typeof HISTORIES)[number];

/** What a change sets about members. */
export const MEMBER_SETTINGS = ["in", "out", "banned", "unbanned", "muted", "unmuted", "role"] as const;
export type MemberSetting = (typeof MEMBER_SETTINGS)[number];

/** What a notice says has changed. `settings`: who may add people, or whether read marks are shown. */
export const NOTICE_TYPES = [
  "created",
  "added",
  "joined",
  "left",
  "removed",
  "banned",
  "unbanned",
  "muted",
  "unmuted",
  "role",
  "title",
  "topic",
  "history",
  "settings",
  "archived",
  "restored",
  "kind",
  "deleted",
  "pinned",
  "unpinned",
] as const;
export type NoticeType = (typeof NOTICE_TYPES)[number];

/** The most people that one change, and so one notice, is about. */
export const USERS_MAX = 100;
/** The most pinned messages of a room. */
export const PINS_MAX = 50;
/** The fewest and the most people of a direct room. */
export const DIRECT_PEOPLE = { least: 2, most: 8 } as const;
