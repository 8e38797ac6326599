/// <reference lib="esnext.disposable" preserve="true" />

export type {
  AddOptions,
  ChangeOptions,
  EditOptions,
  MuteOptions,
  RoomChanges,
  SendOptions,
} from "./roomchanges.ts";
export type { Block, Blocks } from "./blocks.ts";
export { createChat } from "./chat.ts";
export type {
  CallOptions,
  Chat,
  ChatEvents,
  ChatOptions,
  ChatState,
  Credentials,
  LeaveOptions,
  Sessions,
  TokenOptions,
} from "./chatstate.ts";
export type { ConnectionState } from "./connection.ts";
export { ChatError, type ChatErrorCode, type ClientErrorCode } from "./errors.ts";
export type { Facts } from "./facts.ts";
export type {
  Data,
  Entry,
  History,
  JoinedFrame,
  LaggingFrame,
  LeftFrame,
  Message,
  MessageFrame,
  Notice,
  NoticeChange,
  NoticeFrame,
  NoticeType,
  Person,
  PresenceFrame,
  Reaction,
  ReadFrame,
  Role,
  RoomKind,
  SyncedFrame,
  ReceiptFrame,
  TypingFrame,
  User,
} from "./message.ts";
export type { NewRoom } from "./founding.ts";
export type { Ban, Bans, Member, Members, MembersQuery } from "./members.ts";
export type { LoadOptions, Page, PageQuery, Pages, PagesState } from "./pages.ts";
export type { Profile } from "./profile.ts";
export type { Ack, Change, MemberChange, RoomSettings } from "./change.ts";
export type { Settled } from "./outbox.ts";
export type {
  Clock,
  Locks,
  OpenWire,
  Ports,
  WebSocketClass,
  WebSocketLike,
  Wire,
  WireListener,
} from "./ports.ts";
export type {
  HistoryPage,
  HistoryQuery,
  OlderQuery,
  Room,
  RoomEvents,
  RoomOptions,
  RoomState,
  Waiting,
} from "./roomstate.ts";
export type {
  Invitation,
  InviteOptions,
  NewInvitation,
  Report,
  ReportsQuery,
  RoomRequests,
} from "./requests.ts";
export type { Conversations, ConversationsState } from "./conversations.ts";
export type { LastMessage, RoomsQuery, RoomSummary } from "./roomlist.ts";
export type { Account, SessionInfo, TokenSource } from "./session.ts";
export type { ChatStorage } from "./storage.ts";
export { createSubject, type Store, type Subject } from "./subject.ts";
