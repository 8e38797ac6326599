/** @jsxImportSource hono/jsx/dom */
import { useEffect, useState } from "hono/jsx/dom";
import type { Room } from "../client/index.ts";
import { isBy, type Me, nameOf } from "./person.tsx";

/** Screen readers read at most this many characters of a message. */
const LONGEST = 200;

/** Announces new messages to screen readers. */
export function Announcer({ room, me }: { readonly room: Room; readonly me: Me | undefined }) {
  const [said, setSaid] = useState("");
  useEffect(
    () =>
      room.on("message", (message) => {
        const { change, content, replay } = message;
        if (change !== "created" || replay || isBy(me, message)) return;
        setSaid(`${nameOf(message)}: ${content.slice(0, LONGEST)}`);
      }),
    [room, me],
  );
  return (
    <div class="unseen" role="log" aria-live="polite" aria-label="New messages">
      {said}
    </div>
  );
}
