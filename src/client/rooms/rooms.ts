// The part of the client for lists of rooms.
export { createConversations } from "./conversations.ts";
export { createMentions } from "./mentions.ts";
export { listRooms } from "./roomlist.ts";
