import { type Chat, createSubject, type QuietHours } from "../../client/index.ts";
import type { Source } from "../parts/source.ts";
import { isAllowed, type NotifyChoice, type NotifySettings } from "./settings.ts";

/**
 * Whether this device also hears of messages while the page is closed. `none`: the server sends no pushes, or the browser takes
 * none. `failed`: it is tried again at the next start.
 */
export type PushStatus = "off" | "on" | "none" | "failed";

let status: PushStatus = "off";
const source = createSubject(() => status);
export const pushStatus: Source<PushStatus> = source;

const say = (next: PushStatus) => {
  status = next;
  source.changed();
};

/** Subscribes this device while it notifies the person who is signed in, and ends that when they turn it off. */
export function startPush(chat: Chat, choice: NotifyChoice): void {
  let wanted = choice.snapshot().on ? "" : "off";
  let last = Promise.resolve();
  const look = () => {
    const { account } = chat.snapshot();
    const { on } = choice.snapshot();
    const next = account && on && isAllowed() ? account.email : on ? "" : "off";
    if (next === wanted) return;
    wanted = next;
    // One after another, so that the last one counts.
    last = last.then(() => follow(chat, next)).then(say, () => say("failed"));
  };
  choice.subscribe(look);
  chat.on("session", look);
  void chat.ready.then(look);
}

/** Signing out needs nothing: the server ends the subscription with the session. */
async function follow(chat: Chat, wanted: string): Promise<PushStatus> {
  if (!("PushManager" in globalThis)) return "none";
  if (wanted === "" || wanted === "off") {
    const registration = wanted === "off" && (await navigator.serviceWorker.getRegistration());
    if (registration) await chat.push.unsubscribe(registration);
    return "off";
  }
  try {
    await chat.push.subscribe(await navigator.serviceWorker.ready);
    return "on";
  } catch (error) {
    const { code } = error as { readonly code?: string };
    if (code === "not_found" || code === "unsupported") return "none";
    throw error;
  }
}

/** Brings the quiet hours that another device has set to this one. */
export async function loadHours(chat: Chat, choice: NotifyChoice): Promise<void> {
  const { quietHours } = await chat.push.state();
  if (quietHours) choice.set({ from: quietHours.from, to: quietHours.to });
}

/** Tells the server of the quiet hours, in the time zone of this device. */
export async function keepHours(
  chat: Chat,
  { from, to }: Pick<NotifySettings, "from" | "to">,
): Promise<void> {
  const { timeZone } = Intl.DateTimeFormat().resolvedOptions();
  const hours: QuietHours | null = from === to ? null : { from, to, zone: timeZone };
  await chat.push.setQuietHours(hours);
}
