/** @jsxImportSource hono/jsx/dom */
import { useRef, useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import type { Message } from "../../client/index.ts";
import { isBy, type Me } from "../parts/person.tsx";
import type { ActsProps } from "./acts.ts";
import { watchGestures } from "./gestures.ts";
import { Sheet } from "./sheet.tsx";

interface TouchProps extends Pick<ActsProps, "talk" | "addresses" | "moderates" | "pins" | "report"> {
  readonly box: () => HTMLElement | null;
  readonly me: Me;
  /** Returns a message that is on the page. */
  readonly find: (id: number) => Message | undefined;
  /** Whether the reader is at the end. */
  readonly pinned: boolean;
  readonly toEnd: () => void;
}

/** What fingers do with messages: one that stays opens the actions, and a pull to the side replies. */
export function Touch({ box, talk, me, find, pinned, toEnd, ...props }: TouchProps) {
  const [held, setHeld] = useState<number | undefined>(undefined);
  const wasPinned = useRef(false);
  const latest = useRef({ pinned, find });
  latest.current = { pinned, find };

  useEffect(() => {
    const element = box();
    if (!element) return;
    return watchGestures(element, {
      hold(row) {
        wasPinned.current = latest.current?.pinned ?? false;
        setHeld(Number(row.dataset.id));
      },
      swipe(row) {
        const message = latest.current?.find(Number(row.dataset.id));
        if (message && !message.deletedAt) talk.reply(message);
      },
    });
  }, [talk]);

  const message = held === undefined ? undefined : find(held);
  if (!message || message.deletedAt) return null;
  return (
    <Sheet
      key={message.id}
      {...props}
      talk={talk}
      message={message}
      own={isBy(me, message)}
      has={(emoji) => message.reactions?.[emoji]?.users.includes(me.username) ?? false}
      row={() => box()?.querySelector(`[data-id="${message.id}"]`)}
      close={() => {
        setHeld(undefined);
        if (wasPinned.current) toEnd();
      }}
    />
  );
}
