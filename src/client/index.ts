/// <reference lib="esnext.disposable" preserve="true" />

export type {
  AddOptions,
  ChangeOptions,
  EditOptions,
  MuteOptions,
  RoomChanges,
  SendOptions,
} from "./roomchanges.ts";
export type {
  FileBytes,
  MessageFile,
  OutgoingFile,
  UploadedFile,
  UploadOptions,
  UploadProgress,
  WaitingFile,
} from "./attachments.ts";
export type { FilesQuery, FileUrls } from "./files/urls.ts";
export type { Block, Blocks } from "./people/blocks.ts";
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
  Limits,
  Message,
  MessageFrame,
  Notice,
  NoticeChange,
  NoticeFrame,
  NoticeType,
  Person,
  PresenceFrame,
  Reaction,
  Replies,
  ReadFrame,
  Role,
  RoomKind,
  SyncedFrame,
  ReceiptFrame,
  ThreadFrame,
  TypingFrame,
  User,
} from "./message.ts";
export type { NewRoom } from "./people/founding.ts";
export type { Ban, Bans, Member, Members, MembersQuery } from "./people/members.ts";
export type { LoadOptions, Page, PageQuery } from "./page.ts";
export type { Pages, PagesState } from "./people/pages.ts";
export type { Profile } from "./people/profile.ts";
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
  Thread,
  ThreadState,
  Waiting,
} from "./roomstate.ts";
export type {
  Invitation,
  InviteOptions,
  NewInvitation,
  Report,
  ReportsQuery,
  RoomRequests,
} from "./people/requests.ts";
export type { Conversations, ConversationsState } from "./rooms/conversations.ts";
export type { LastMessage, RoomsQuery, RoomSummary } from "./rooms/roomlist.ts";
export type { FoundMessage, FoundPage, SearchOptions } from "./search/search.ts";
export type { PinnedMessage, Pins } from "./kept/pins.ts";
export type {
  Push,
  PushDevice,
  PushRegistration,
  PushState,
  QuietHours,
  SubscribeOptions,
} from "./push/push.ts";
export type { Saved, SavedMessage } from "./kept/saved.ts";
export type { Mention } from "./rooms/mentions.ts";
export type { ListedThread, ThreadsQuery } from "./threads/list.ts";
export type { Account, SessionInfo, TokenSource } from "./session.ts";
export type { ChatStorage } from "./storage.ts";
export { createSubject, type Store, type Subject } from "./subject.ts";
