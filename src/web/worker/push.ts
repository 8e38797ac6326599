import { LOOKING } from "../notify/looking.ts";
import type { Target } from "./click.ts";
import { type PushReceived, scope } from "./scope.ts";

/** What a push says: see PROTOCOL.md. */
interface Pushed {
  readonly type: "message" | "read";
  readonly room: string;
  readonly message: number;
  readonly thread?: number;
  readonly notification?: { readonly title: string; readonly body: string; readonly navigate: string };
}

/** As the page's own notifications, so that either takes the place of the other. */
interface Shown extends Target {
  readonly room: string;
  readonly message: number;
  readonly root?: number | undefined;
}

/** Shows the notification of a push, or closes one that was read elsewhere. */
export async function receive({ data }: PushReceived): Promise<void> {
  const { type, room, message, thread, notification } = (data?.json() ?? {}) as Pushed;
  const tag = thread === undefined ? `room ${room}` : `thread ${thread} ${room}`;
  if (type === "read") return close(room, message);
  if (!notification) return;
  // The page that someone looks at shows the message.
  const { held = [] } = await navigator.locks.query();
  if (held.some(({ name }) => name === LOOKING)) return;
  const { title, body, navigate } = notification;
  await scope.registration.showNotification(title, {
    body,
    tag,
    icon: "/icon-192.png",
    data: {
      href: new URL(navigate, scope.location.href).hash,
      room,
      message,
      root: thread,
    } satisfies Shown,
  });
}

async function close(room: string, message: number): Promise<void> {
  for (const shown of await scope.registration.getNotifications()) {
    const about = shown.data as Shown | null;
    if (about?.room === room && about.message <= message) shown.close();
  }
}
