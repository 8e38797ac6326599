export { type CallOptions, type Chat, type ChatOptions, createChat, type Credentials } from "./chat.ts";
export type { ChatEvents, ChatState } from "./chatstate.ts";
export type { ConnectionState } from "./connection.ts";
export { ChatError, type ChatErrorCode, type ClientErrorCode } from "./errors.ts";
export type {
  Data,
  JoinedFrame,
  LaggingFrame,
  LeftFrame,
  Message,
  MessageFrame,
  Person,
  PresenceFrame,
  Reaction,
  ReadFrame,
  SyncedFrame,
  TypingFrame,
  User,
} from "./message.ts";
export type { Profile } from "./profile.ts";
export type { Ack, Change, Settled } from "./outbox.ts";
export type { Clock, Locks, OpenWire, Ports, Wire, WireListener } from "./ports.ts";
export type {
  ChangeOptions,
  EditOptions,
  HistoryPage,
  HistoryQuery,
  Room,
  RoomEvents,
  RoomOptions,
  RoomState,
  SendOptions,
  Waiting,
} from "./roomstate.ts";
export type { Conversations, ConversationsState } from "./conversations.ts";
export type { LastMessage, RoomsPage, RoomsQuery, RoomSummary } from "./roomlist.ts";
export type { Account, SessionInfo, TokenSource } from "./session.ts";
export type { ChatStorage } from "./storage.ts";
export { createSubject, type Subject } from "./subject.ts";
