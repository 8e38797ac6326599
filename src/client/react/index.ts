"use client";

import {
  createContext,
  createElement,
  type ReactNode,
  useContext,
  useMemo,
  useSyncExternalStore,
} from "react";
import type {
  Chat,
  ConnectionState,
  Conversations,
  ConversationsState,
  Room,
  RoomOptions,
  RoomState,
  Store,
  Thread,
  ThreadState,
  User,
} from "../index.ts";

const ChatContext = createContext<Chat | undefined>(undefined);

/** Gives a chat to the hooks of the components below. Create the chat outside of components, once for the page. */
export function ChatProvider({ chat, children }: { readonly chat: Chat; readonly children?: ReactNode }) {
  return createElement(ChatContext.Provider, { value: chat }, children);
}

/** Returns the chat of the nearest {@link ChatProvider}. @throws {Error} if there is none. */
export function useChat(): Chat {
  const chat = useContext(ChatContext);
  if (!chat) throw new Error("Hooks of the chat need a <ChatProvider chat={chat}> around their component.");
  return chat;
}

/**
 * Returns the state of a store and renders again when it changes: `useStore(room.members)`. With `part`, only when that part
 * of the state is another value: it must return the same value for the same state.
 */
export function useStore<T>(store: Store<T>): T;
export function useStore<T, P>(store: Store<T>, part: (state: T) => P): P;
export function useStore<T>(store: Store<T>, part: (state: T) => unknown = (state) => state): unknown {
  return useSyncExternalStore(
    store.subscribe,
    () => part(store.snapshot()),
    () => part(store.initial()),
  );
}

/** The state of a room, and the room itself for what one does in it. */
export interface RoomView extends RoomState {
  readonly room: Room;
}

/**
 * Returns a room and its state. The room is joined while a component with it is mounted, and for 10 seconds after that.
 * Errors are in the state: if the person may not be in the room, `state` is `out` and `error` says why. `options` are those
 * of the first use of the room.
 */
export function useRoom(name: string, options?: RoomOptions): RoomView {
  const room = useChat().room(name, options);
  const state = useStore(room);
  return useMemo(() => ({ ...state, room }), [state, room]);
}

/** The state of a thread, and the thread itself for what one does in it. */
export interface ThreadView extends ThreadState {
  readonly thread: Thread;
}

/** Returns the thread of a room that begins with this message, and its state. The room is joined while it is in use. */
export function useThread(name: string, id: number): ThreadView {
  const thread = useChat().room(name).thread(id);
  const state = useStore(thread);
  return useMemo(() => ({ ...state, thread }), [state, thread]);
}

/** The state of the list of rooms, and the list itself for what one does with it. */
export interface RoomsView extends ConversationsState {
  readonly list: Conversations;
}

/** Returns the list of the person's rooms and its state. */
export function useRooms(): RoomsView {
  const list = useChat().rooms();
  const state = useStore(list);
  return useMemo(() => ({ ...state, list }), [state, list]);
}

const connectionOf = ({ connection }: { readonly connection: ConnectionState }) => connection;

/** Returns the state of the connection. */
export const useConnection = (): ConnectionState => useStore(useChat(), connectionOf);

/** Returns the signed-in person. It outlasts cuts of the connection. */
export const useMe = (): User | undefined => useStore(useChat().me);

const typingIn = ({ typing }: RoomState) => typing;

/** Returns the other people who are typing in a room, and renders again only when they change. Joins the room. */
export const useTyping = (name: string): readonly User[] => useStore(useChat().room(name), typingIn);

const onlineIn = ({ online }: RoomState) => online;
const peopleIn = ({ people }: RoomState) => people;

/** Who is in a room. */
export type PresenceView = Pick<RoomState, "online" | "people">;

/** Returns the people in a room, and renders again only when they change. Joins the room. */
export function usePresence(name: string): PresenceView {
  const room = useChat().room(name);
  const online = useStore(room, onlineIn);
  const people = useStore(room, peopleIn);
  return useMemo(() => ({ online, people }), [online, people]);
}
