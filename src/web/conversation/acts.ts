import type { Message } from "../../client/index.ts";
import type { Addresses } from "../files/addresses.ts";
import { canShare, saveAll, share } from "../files/saving.ts";
import type { Talk } from "../composer/talk.ts";
import type { Icon } from "../parts/icon.tsx";
import { hrefOf } from "../page/place.ts";
import { useLatest } from "../parts/latest.ts";
import { fileWords } from "../words/files.ts";
import { talkWords } from "../words/talk.ts";
import { later } from "../words/later.ts";
import { faultText } from "../words/problems.ts";
import { savedIn } from "./saving.ts";

/** What the actions of a message need to know. */
export interface ActsProps {
  readonly talk: Talk;
  readonly message: Message;
  readonly addresses: Addresses;
  readonly own: boolean;
  readonly has: (emoji: string) => boolean;
  /** Whether the person may delete messages of others. */
  readonly moderates: boolean;
  /** Whether the person may pin messages. */
  readonly pins: boolean;
  readonly report: (id: number) => void;
}

/** An action of a message. `ask`: the person has to say more. */
export interface Act {
  readonly label: string;
  readonly icon: NonNullable<Parameters<typeof Icon>[0]["name"]>;
  readonly run: (() => void) | "react" | "remove";
  /** It takes something back that is on now. */
  readonly isOn?: boolean;
  /** Mice have another way. */
  readonly forTouch?: boolean;
}

export const EMOJI = ["👍", "❤️", "😂", "🎉", "😮", "😢", "🙏", "👀", "✅", "☕", "🔥", "👋"];

// Without HTTPS there is no clipboard.
const copy = (text: string) =>
  (navigator.clipboard as Clipboard | undefined)?.writeText(text).catch(() => {});

const linkTo = ({ room: { name } }: Talk, { id }: Message) =>
  new URL(hrefOf({ view: "room", name, message: id }), location.href).href;

/** Whether a message is kept somewhere. */
interface Kept {
  readonly isPinned: boolean;
  readonly isSaved: boolean;
}

/** Follows whether a message is pinned in its room, and whether the person has saved it. */
export function useKept({ talk, message: { id } }: Pick<ActsProps, "talk" | "message">): Kept {
  const isPinned = useLatest(talk.room.pins).items.some((pin) => pin.id === id);
  return { isPinned, isSaved: useLatest(savedIn(talk)).has(id) };
}

/** What the person can do with a message. */
export function actsOf(
  { talk, message, addresses, own, moderates, pins, report }: ActsProps,
  { isPinned, isSaved }: Kept,
): readonly Act[] {
  const { acts } = talkWords;
  const edit = () => talk.edit(message);
  const { files = [] } = message;
  const tell = (error: unknown) => talk.tell(faultText(error));
  const take = () => void saveAll(files, addresses).catch(tell);
  const pass = () => void share(files, addresses).catch(tell);
  const isCopying = "clipboard" in navigator;
  return [
    { label: acts.react, icon: "react", run: "react" },
    { label: acts.reply, icon: "reply", run: () => talk.reply(message) },
    ...(talk.thread === undefined
      ? [
          {
            label: acts.thread,
            icon: "thread",
            run: () => talk.show({ root: message.thread ?? message.id }),
          } as const,
        ]
      : []),
    ...(files.length > 0
      ? [{ label: fileWords.saveAll(files.length), icon: "down", run: take, forTouch: true } as const]
      : []),
    ...(files.length > 0 && canShare()
      ? [{ label: fileWords.share, icon: "send", run: pass, forTouch: true } as const]
      : []),
    ...(message.content !== "" || files.length === 0
      ? [{ label: acts.copy, icon: "copy", run: () => void copy(message.content), forTouch: true } as const]
      : []),
    ...(isCopying
      ? [{ label: acts.link, icon: "link", run: () => void copy(linkTo(talk, message)) } as const]
      : []),
    ...(pins ? [pinning(talk, message.id, isPinned)] : []),
    saving(talk, message.id, isSaved),
    // The read mark of a thread never moves back.
    ...(talk.thread === undefined
      ? [
          {
            label: acts.unread,
            icon: "unread",
            run: () => void talk.room.markUnread(message.id).catch(() => {}),
          } as const,
        ]
      : []),
    ...(own ? [{ label: acts.edit, icon: "edit", run: edit } as const] : []),
    ...(own || moderates ? [{ label: acts.remove, icon: "remove", run: "remove" } as const] : []),
    ...(own ? [] : [{ label: acts.report, icon: "flag", run: () => report(message.id) } as const]),
  ];
}

function pinning({ room, attempt }: Talk, id: number, isPinned: boolean): Act {
  const says = later.keeping;
  return isPinned
    ? {
        label: says.unpin,
        icon: "pin",
        isOn: true,
        run: () => attempt(room.pins.remove(id), says.notUnpinned),
      }
    : { label: says.pin, icon: "pin", run: () => attempt(room.pins.add(id), says.notPinned) };
}

function saving(talk: Talk, id: number, isSaved: boolean): Act {
  const says = later.keeping;
  const saved = savedIn(talk);
  return isSaved
    ? {
        label: says.unsave,
        icon: "save",
        isOn: true,
        run: () => talk.attempt(saved.set(id, false), says.stillSaved),
      }
    : { label: says.save, icon: "save", run: () => talk.attempt(saved.set(id, true), says.notSaved) };
}
