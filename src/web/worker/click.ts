import { scope } from "./scope.ts";

/** What a notification and the worker's messages to tabs carry. */
export interface Target {
  /** The fragment of the page's address, such as `#/room/lobby`. */
  readonly href: string;
}

/** Shows what a notification is about: in the tab that is in view or was last, or else in a new one. */
export async function openTab(notification: Notification): Promise<void> {
  notification.close();
  const { href } = notification.data as Target;
  const tabs = await scope.clients.matchAll({ type: "window", includeUncontrolled: true });
  const tab = tabs.find(({ visibilityState }) => visibilityState === "visible") ?? tabs[0];
  if (!tab) return void (await scope.clients.openWindow(`/${href}`));
  tab.postMessage({ href } satisfies Target);
  await tab.focus();
}
