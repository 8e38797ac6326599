import { createSubject } from "../../client/index.ts";
import type { PageStorage } from "../page/storage.ts";
import type { Source } from "../parts/source.ts";

/** What a person wants on this device. */
export interface NotifySettings {
  /** Whether they turned notifications on. The browser has to allow them too. */
  readonly on: boolean;
  /** Whether the page has offered them. It does so once. */
  readonly offered: boolean;
  /** Quiet hours, as `22:00`. They last from one to the other, also over midnight. None if the two are equal. */
  readonly from: string;
  readonly to: string;
}

export interface NotifyChoice extends Source<NotifySettings> {
  set(change: Partial<NotifySettings>): void;
  /** Asks the browser's permission and turns notifications on. Returns whether they are allowed. Call it after a click. */
  turnOn(): Promise<boolean>;
}

const KEY = "parley notify";
const TIME = /^(?:[01]\d|2[0-3]):[0-5]\d$/;

/** Whether the browser can show notifications at all: not without HTTPS, and on an iPhone only for an installed page. */
export const canNotify = (): boolean => "Notification" in globalThis && "serviceWorker" in navigator;
export const isAllowed = (): boolean => canNotify() && Notification.permission === "granted";
export const isDenied = (): boolean => canNotify() && Notification.permission === "denied";

/** Whether a time of the day, as `22:00`, is within the quiet hours. */
export const isQuiet = ({ from, to }: Pick<NotifySettings, "from" | "to">, time: string): boolean =>
  from <= to ? from <= time && time < to : from <= time || time < to;

let choice: NotifyChoice | undefined;

/** The person's choice, which every part of the page shares. */
export function notifyChoice(storage: PageStorage): NotifyChoice {
  if (choice) return choice;
  const source = createSubject(() => read(storage.getItem(KEY)));
  // Another tab can change it.
  window.addEventListener("storage", ({ key }) => key === KEY && source.changed());
  const set = (change: Partial<NotifySettings>) => {
    storage.setItem(KEY, JSON.stringify({ ...source.snapshot(), ...change }));
    source.changed();
  };
  choice = {
    snapshot: source.snapshot,
    subscribe: source.subscribe,
    set,
    async turnOn() {
      const on = (await Notification.requestPermission()) === "granted";
      set({ on, offered: true });
      return on;
    },
  };
  return choice;
}

/** Whether this device notifies the person. */
export const isNotifying = (): boolean => isAllowed() && choice?.snapshot().on === true;

function read(text: string | null): NotifySettings {
  let kept: Partial<Record<keyof NotifySettings, unknown>> = {};
  try {
    kept = JSON.parse(text ?? "{}") ?? {};
  } catch {
    // Something else wrote it.
  }
  const time = (value: unknown) => (typeof value === "string" && TIME.test(value) ? value : "00:00");
  return {
    on: kept.on === true,
    offered: kept.offered === true,
    from: time(kept.from),
    to: time(kept.to),
  };
}
