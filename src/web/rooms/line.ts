import type { RoomState, RoomSummary } from "../../client/index.ts";

/** What a room that is open says about itself, as soon as it changes. */
export const factsOf = ({
  kind = "open",
  title,
  topic,
  archived,
  history,
  membersAdd,
  receipts,
  role = "member",
}: RoomState) => ({ kind, title, topic, archived, history, membersAdd, receipts, role });

/** The line of a room that the server has not listed yet. */
export const newLine = (room: string): RoomSummary => ({
  room,
  kind: "open",
  title: "",
  topic: "",
  archived: false,
  history: "all",
  membersAdd: false,
  receipts: false,
  version: 0,
  last: null,
  online: 0,
  lastActivity: null,
  role: null,
  joinedAt: null,
  lastRead: null,
  unread: 0,
  mentions: 0,
  threads: 0,
  notify: null,
  hidden: false,
  pinned: false,
});
