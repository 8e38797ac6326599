import type { Chat, LastMessage, ListedThread } from "../../client/index.ts";
import { hrefOf } from "../page/place.ts";
import { nameOf } from "../parts/person.tsx";
import { ROOM, type RoomLine, type Rooms } from "../rooms/rooms.ts";
import type { Target } from "../worker/click.ts";
import { plain } from "../text/markup.ts";
import { words } from "../words/language.ts";
import { later } from "../words/later.ts";
import { createNews, isWanted } from "./news.ts";
import { isAllowed, isQuiet, type NotifyChoice } from "./settings.ts";
import { createTabs } from "./tabs.ts";

/** The most characters of a message. */
const LONGEST = 200;
/** How many rooms with notifications are followed. A socket can be in 200. */
const FOLLOWED_MAX = 50;
/** Changes of the list come in groups, so notifications are closed a moment later, in milliseconds. */
const TIDY_MS = 300;

/** What a notification carries: where it leads, and which message it shows. */
interface Shown extends Target {
  readonly room: string;
  readonly message: number;
  /** The first message of the thread that it is about. */
  readonly root?: number;
}

interface NotifierOptions {
  readonly chat: Chat;
  readonly rooms: Rooms;
  readonly choice: NotifyChoice;
  /** A message came while nobody looked, and notifications were never offered. */
  readonly missed: () => void;
}

/**
 * Notifies of new messages while nobody looks at the page, one notification for each room, and closes it when the room is
 * read, here or elsewhere.
 */
export function startNotifier({ chat, rooms, choice, missed }: NotifierOptions): void {
  const news = createNews();
  /** Rooms with notifications, which the page joins to hear when they are read elsewhere. */
  const followed = new Map<string, () => void>();
  let tidying: ReturnType<typeof setTimeout> | undefined;
  const shown = async (filter?: GetNotificationOptions) =>
    (await (await navigator.serviceWorker.getRegistration())?.getNotifications(filter)) ?? [];

  const look = () => {
    const { lines, loaded, unread } = rooms.snapshot();
    badge(unread);
    if (!loaded) return;
    for (const line of news.take(lines)) void tell(line).catch(() => {});
    tidying ??= setTimeout(() => {
      tidying = undefined;
      void tidy().catch(() => {});
    }, TIDY_MS);
  };
  const tabs = createTabs(navigator.locks, look);

  /** Whether a notification may be shown now. Offers them if they are off. */
  const mayShow = async (): Promise<boolean> => {
    if (!tabs.leads || (await tabs.areWatched())) return false;
    const { on, offered, ...hours } = choice.snapshot();
    if (on && isAllowed()) return !isQuiet(hours, timeNow());
    if (!offered) missed();
    return false;
  };

  /** The last reply of each unread thread. Undefined until the list is there. */
  let replies: Map<string, number> | undefined;
  const lookAtThreads = () => {
    const { items, more } = chat.threads.snapshot();
    if (items.length === 0 && more) return;
    const before = replies;
    replies = new Map(items.map(({ room, root, replies: { last } }) => [`${room} ${root.id}`, last.id]));
    for (const thread of before ? items : [])
      if ((before?.get(`${thread.room} ${thread.root.id}`) ?? 0) < thread.replies.last.id)
        void tellOfThread(thread).catch(() => {});
    void tidy().catch(() => {});
  };

  const tellOfThread = async ({ room, root, replies: { last } }: ListedThread) => {
    const line = rooms.find(room);
    if (!line || line.notify === "none" || !(await mayShow())) return;
    const registration = await navigator.serviceWorker.getRegistration();
    const href = hrefOf({ view: "room", name: room, message: last.id });
    await registration?.showNotification(line.label, {
      body: later.threads.new,
      tag: `thread ${root.id} ${room}`,
      icon: "/icon-192.png",
      data: { href, room, message: last.id, root: root.id } satisfies Shown,
    });
  };

  const tell = async (line: RoomLine & { readonly mentioned: boolean }) => {
    const { last, room, label, kind, people = [], unread } = line;
    const me = chat.snapshot().me?.id;
    if (!tabs.leads || !last || last.user.id === me || isEmpty(last) || !isWanted(line)) return;
    if (chat.blocks.snapshot().items.some(({ user }) => user.id === last.user.id)) return;
    if (!(await mayShow())) return;
    const text = last.content === "" ? words.rooms.files(last.files ?? 0) : await plain(last.content);
    const said = text.slice(0, LONGEST);
    const isPair = kind === "direct" && people.length <= 2;
    const registration = await navigator.serviceWorker.getRegistration();
    const href = hrefOf({ view: "room", name: room, message: last.id });
    await registration?.showNotification(unread > 1 ? later.notify.several(label, unread) : label, {
      body: isPair ? said : later.notify[line.mentioned ? "mentioned" : "message"](nameOf(last), said),
      tag: tagOf(room),
      icon: "/icon-192.png",
      data: { href, room, message: last.id } satisfies Shown,
    });
    if (!followed.has(room) && followed.size < FOLLOWED_MAX)
      followed.set(room, chat.room(room, ROOM).on("read", look));
    // It may have been read meanwhile.
    await tidy();
  };

  /** Closes the notifications of rooms that are read, and of messages that are deleted. */
  const tidy = async () => {
    if (!isAllowed()) return;
    const { account } = chat.snapshot();
    const left = new Set<string>();
    for (const notification of await shown()) {
      const { room, message, root } = notification.data as Shown;
      const line = rooms.find(room);
      if (root !== undefined) {
        if (!account || (replies && !replies.has(`${room} ${root}`))) notification.close();
        continue;
      }
      const isGone = line?.last?.id === message && isEmpty(line.last);
      if (!account || !line || line.unread === 0 || isGone) notification.close();
      else left.add(room);
    }
    for (const [room, leave] of followed)
      if (!left.has(room)) {
        followed.delete(room);
        leave();
      }
  };

  chat.on("session", () => {
    news.forget();
    replies = undefined;
    void tidy().catch(() => {});
  });
  rooms.subscribe(look);
  chat.threads.subscribe(lookAtThreads);
  look();
  // Those of a person who has signed out while the page was closed.
  if (!chat.snapshot().account) void tidy().catch(() => {});
}

/** Whether it was deleted: then it has neither a text nor files. */
const isEmpty = ({ content, files }: LastMessage): boolean => content === "" && !files;

const tagOf = (room: string) => `room ${room}`;

/** The time of the day, as `22:00`. */
function timeNow(): string {
  const now = new Date();
  return [now.getHours(), now.getMinutes()].map((part) => String(part).padStart(2, "0")).join(":");
}

/** Shows the number of unread messages at the icon of the installed page. */
function badge(unread: number): void {
  const { setAppBadge } = navigator as { setAppBadge?: Navigator["setAppBadge"] };
  setAppBadge?.call(navigator, unread).catch(() => {});
}
