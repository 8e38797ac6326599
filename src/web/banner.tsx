/** @jsxImportSource hono/jsx/dom */
import { useEffect, useState } from "hono/jsx/dom";
import type { Chat } from "../client/index.ts";
import { useLatest } from "./latest.ts";

/** The banner appears only after this time without a connection, in milliseconds. */
const PATIENCE_MS = 1_200;

/** Shows a lost connection, and how many messages wait for it. */
export function Banner({ chat, waiting }: { readonly chat: Chat; readonly waiting: number }) {
  const { connection } = useLatest(chat);
  const [late, setLate] = useState(false);
  const away = connection.state !== "open" && connection.state !== "idle";
  useEffect(() => {
    if (!away) return setLate(false);
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [away]);

  const said = () => {
    if (!away || !late) return "";
    if (connection.state === "closed") return `Not connected: ${connection.error.message}`;
    return navigator.onLine ? "Connection lost. Reconnecting…" : "You are offline.";
  };
  const text = said();
  const kept = waiting === 0 ? "" : waiting === 1 ? " 1 message waiting." : ` ${waiting} messages waiting.`;
  return (
    <div class={text ? "banner shown" : "banner"} role="status">
      {text && (
        <p>
          {text}
          {connection.state === "closed" ? "" : kept || " Your messages will be sent later."}
        </p>
      )}
      {text && connection.state === "closed" && (
        <button type="button" class="link" onClick={() => chat.connect()}>
          Reconnect
        </button>
      )}
    </div>
  );
}
