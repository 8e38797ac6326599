/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import type { Room } from "../../client/index.ts";
import { sentenceOf, textOf } from "./notices.ts";
import { createPace } from "./pace.ts";
import { isBy, type Me, nameOf } from "../parts/person.tsx";
import { fullTime } from "../page/time.ts";
import { heardOf } from "../files/file.ts";
import { talkWords } from "../words/talk.ts";

/** Screen readers read at most this many characters of a message. */
const LONGEST = 200;
/** The lines that stay on the page. Removing one is not announced. */
const KEPT = 5;

interface AnnouncerProps {
  readonly room: Room;
  readonly me: Me | undefined;
  /** Ids of people whose messages are not announced. */
  readonly muted: readonly string[];
}

/** Announces new messages and notices to screen readers. Each is an element of its own, so that equal ones are heard twice. */
export function Announcer({ room, me, muted }: AnnouncerProps) {
  const [lines, setLines] = useState<readonly (readonly [id: number, text: string])[]>([]);
  useEffect(() => {
    let count = 0;
    const pace = createPace((texts, more) => {
      const said = more > 0 ? [talkWords.announcer.more(more), ...texts] : texts;
      setLines((before) => [...before, ...said.map((text) => [count++, text] as const)].slice(-KEPT));
    });
    const offs = [
      pace.stop,
      room.on("message", (message) => {
        const { change, replay } = message;
        if (change !== "created" || replay || isBy(me, message) || muted.includes(message.user.id)) return;
        pace.add(talkWords.announcer.message(nameOf(message), heardOf(message).slice(0, LONGEST)));
      }),
      room.on("notice", (notice) => {
        if (!notice.replay && notice.by.id !== me?.id) pace.add(textOf(sentenceOf(notice, me, fullTime)));
      }),
    ];
    return () => offs.forEach((off) => off());
  }, [room, me, muted]);
  return (
    <div class="unseen" role="log" aria-live="polite" aria-label={talkWords.announcer.label}>
      {lines.map(([id, text]) => (
        <p key={id}>{text}</p>
      ))}
    </div>
  );
}
