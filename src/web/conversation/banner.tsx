/** @jsxImportSource hono/jsx/dom */
import { useState } from "hono/jsx/dom";
import { useEffect } from "../parts/effect.ts";
import type { Chat } from "../../client/index.ts";
import { useLatest } from "../parts/latest.ts";
import { hrefOf } from "../page/place.ts";
import type { Rooms } from "../rooms/rooms.ts";
import { talkWords } from "../words/talk.ts";
import { placeName } from "../words/naming.ts";
import { faultText } from "../words/problems.ts";

/** If the browser is online, the banner appears only after this time without a connection, in milliseconds. */
const PATIENCE_MS = 1_200;

/** Shows that there is no connection, and how many messages wait for it. */
export function Banner({ chat, waiting }: { readonly chat: Chat; readonly waiting: number }) {
  const { connection } = useLatest(chat);
  const online = useOnline();
  const [late, setLate] = useState(false);
  const away = connection.state !== "open" && connection.state !== "idle";
  useEffect(() => {
    setLate(false);
    if (!away) return;
    const timer = setTimeout(() => setLate(true), PATIENCE_MS);
    return () => clearTimeout(timer);
  }, [away, online]);

  const { state } = connection;
  const said = () => {
    if (state === "closed") return talkWords.connection.notConnected(faultText(connection.error));
    const text = online ? talkWords.connection.lost : talkWords.connection.offline;
    return `${text} ${waiting > 0 ? talkWords.connection.waiting(waiting) : talkWords.connection.nothingLost}`;
  };
  const shown = away && (late || !online || state === "closed");
  return (
    <div class={shown ? "banner shown" : "banner"} role="status">
      {shown && <p>{said()}</p>}
      {shown && state === "closed" && (
        <button type="button" class="link" onClick={() => chat.connect()}>
          {talkWords.connection.reconnect}
        </button>
      )}
    </div>
  );
}

/** Shows in which other rooms something was not sent. */
export const Elsewhere = ({ names, rooms }: { readonly names: readonly string[]; readonly rooms: Rooms }) => (
  <p class="elsewhere" role="status">
    {talkWords.connection.notSentIn}
    {names.map((name) => (
      <>
        {" "}
        <a key={name} href={hrefOf({ view: "room", name })}>
          <bdi>{rooms.find(name)?.label ?? placeName(name)}</bdi>
        </a>
      </>
    ))}
  </p>
);

/** What the browser says about the network. It may be wrong, so only a lost connection counts. */
function useOnline(): boolean {
  const [online, setOnline] = useState(() => navigator.onLine);
  useEffect(() => {
    setOnline(navigator.onLine);
    const control = new AbortController();
    for (const type of ["online", "offline"])
      addEventListener(type, () => setOnline(navigator.onLine), control);
    return () => control.abort();
  }, []);
  return online;
}
