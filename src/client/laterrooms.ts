import { createLater, type Later, methodsOf } from "./later.ts";
import { part } from "./parts.ts";
import type {
  Conversations,
  ConversationsInside,
  ConversationsOptions,
  ConversationsState,
} from "./rooms/conversations.ts";

const IDLE: ConversationsState = { state: "idle", items: [], more: false };
const LOADING: ConversationsState = { ...IDLE, state: "loading" };

/** The list of the person's rooms, whose code is loaded when someone first subscribes to it. */
export interface LaterRooms {
  readonly list: Conversations;
  readonly inside: Later<ConversationsState, ConversationsInside>;
}

export function createLaterRooms(options: ConversationsOptions): LaterRooms {
  const create = async () => (await part("rooms")).createConversations(options);
  const inside = createLater<ConversationsState, ConversationsInside>(create, IDLE, LOADING);
  const { use, snapshot, initial, subscribe } = inside;
  return {
    inside,
    list: {
      ...methodsOf(use, "load", "hide", "pin", "notify"),
      snapshot,
      initial,
      subscribe(listener) {
        options.connect();
        return subscribe(listener);
      },
    },
  };
}
