/** @jsxImportSource hono/jsx/dom */
import { useEffect, useState } from "hono/jsx/dom";
import type { Room } from "../client/index.ts";
import { sentenceOf, textOf } from "./notices.ts";
import { isBy, type Me, nameOf } from "./person.tsx";
import { fullTime } from "./time.ts";

/** Screen readers read at most this many characters of a message. */
const LONGEST = 200;

interface AnnouncerProps {
  readonly room: Room;
  readonly me: Me | undefined;
  /** Ids of people whose messages are not announced. */
  readonly muted: readonly string[];
}

/** Announces new messages and notices to screen readers. */
export function Announcer({ room, me, muted }: AnnouncerProps) {
  const [said, setSaid] = useState("");
  useEffect(() => {
    const offs = [
      room.on("message", (message) => {
        const { change, content, replay } = message;
        if (change !== "created" || replay || isBy(me, message) || muted.includes(message.user.id)) return;
        setSaid(`${nameOf(message)}: ${content.slice(0, LONGEST)}`);
      }),
      room.on("notice", (notice) => {
        if (!notice.replay && notice.by.id !== me?.id) setSaid(textOf(sentenceOf(notice, me, fullTime)));
      }),
    ];
    return () => offs.forEach((off) => off());
  }, [room, me, muted]);
  return (
    <div class="unseen" role="log" aria-live="polite" aria-label="New messages">
      {said}
    </div>
  );
}
