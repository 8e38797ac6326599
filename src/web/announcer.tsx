/** @jsxImportSource hono/jsx/dom */
import { useEffect, useState } from "hono/jsx/dom";
import type { Room } from "../client/index.ts";

/** Screen readers read at most this many characters of a message. */
const LONGEST = 200;

/** Announces new messages to screen readers. */
export function Announcer({ room, me }: { readonly room: Room; readonly me: string | undefined }) {
  const [said, setSaid] = useState("");
  useEffect(
    () =>
      room.on("message", ({ change, username, content, replay }) => {
        if (change !== "created" || replay || username === me) return;
        setSaid(`${username}: ${content.slice(0, LONGEST)}`);
      }),
    [room, me],
  );
  return (
    <div class="unseen" role="log" aria-live="polite" aria-label="New messages">
      {said}
    </div>
  );
}
