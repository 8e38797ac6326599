/** @jsxImportSource hono/jsx/dom */
import { useLatest } from "../parts/latest.ts";
import { hrefOf } from "../page/place.ts";
import type { Rooms } from "./rooms.ts";
import { toggleSwitcher } from "./switcher.tsx";
import { words } from "../words/language.ts";

interface WelcomeProps {
  readonly rooms: Rooms;
  /** Opens the dialog that starts a conversation. */
  readonly start: () => void;
}

/** What someone sees who is in no room: where to begin. */
export function Welcome({ rooms, start }: WelcomeProps) {
  const { lines, loaded } = useLatest(rooms);
  const says = words.rooms;
  const isNew = lines.length === 0;
  if (isNew && !loaded) return null;
  return (
    <div class="welcome">
      <h2>{says.welcome}</h2>
      <p>{isNew ? says.beginHere : says.chooseRoom}</p>
      <a class="button main" href={hrefOf({ view: "room", name: "lobby" })}>
        {says.openLobby}
      </a>
      <button type="button" onClick={toggleSwitcher}>
        {says.find}
      </button>
      <button type="button" onClick={start}>
        {says.startOne}
      </button>
      {isNew && <p class="note">{says.haveLink}</p>}
    </div>
  );
}
