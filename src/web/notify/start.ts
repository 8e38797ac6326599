import type { Chat } from "../../client/index.ts";
import { isWatched, watchAttention } from "../page/attention.ts";
import type { PageStorage } from "../page/storage.ts";
import { loadSheet } from "../parts/sheet.ts";
import type { Rooms } from "../rooms/rooms.ts";
import dialogs from "../style/dialogs.css" with { type: "file" };
import { startNotifier } from "./notifier.ts";
import { startPush } from "./push.ts";
import { canNotify, isDenied, notifyChoice } from "./settings.ts";

/** Starts notifications, if the browser can show them. */
export function startNotifications(chat: Chat, rooms: Rooms, storage: PageStorage): void {
  if (!canNotify()) return;
  const choice = notifyChoice(storage);
  startPush(chat, choice);
  let offering = false;
  const missed = () => {
    if (offering || isDenied()) return;
    offering = true;
    const stop = watchAttention(() => {
      if (!isWatched()) return;
      stop();
      offering = false;
      if (chat.snapshot().account && !choice.snapshot().offered)
        void Promise.all([import("./offer.tsx"), loadSheet(dialogs)]).then(
          ([{ offer }]) => offer(choice),
          () => {},
        );
    });
  };
  startNotifier({ chat, rooms, choice, missed });
}
