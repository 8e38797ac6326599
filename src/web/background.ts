import type { Chat } from "../client/index.ts";
import { loadActions } from "./conversation/message.tsx";
import type { Sendings } from "./composer/sendings.ts";
import { startKeeping } from "./kept/keeper.ts";
import { startNotifications } from "./notify/start.ts";
import { keepFavicon } from "./page/favicon.ts";
import type { PageStorage } from "./page/storage.ts";
import { warnOfLoss } from "./page/unload.ts";
import { fitViewport } from "./page/viewport.ts";
import type { Rooms } from "./rooms/rooms.ts";
import { startWorker } from "./worker/register.ts";

/** Starts what works beside the view. The page loads it after it has shown something. */
export function startBackground(chat: Chat, rooms: Rooms, storage: PageStorage, sendings: Sendings): void {
  fitViewport(window);
  keepFavicon(document, rooms);
  warnOfLoss(window, storage);
  startWorker(window);
  startKeeping(chat, rooms);
  startNotifications(chat, rooms, storage);
  sendings.load().catch(() => {}); // It continues what was being sent, and removes what nobody needs.
  loadActions().catch(() => {}); // They are shown as soon as the pointer is on a message.
}
