import type { Place } from "./place.ts";
import type { Rooms } from "../rooms/rooms.ts";
import type { Source } from "../parts/source.ts";
import { placeName } from "../words/naming.ts";

/** Shows the room and the number of unread messages in the title of the page. */
export function keepTitle(page: Document, rooms: Rooms, place: Source<Place>): void {
  const write = () => {
    const { unread } = rooms.snapshot();
    const here = place.snapshot();
    const count = unread > 0 ? `(${unread > 99 ? "99+" : unread}) ` : "";
    const title = `${count}${here.view === "room" ? `${rooms.find(here.name)?.label ?? placeName(here.name)} · ` : ""}Parley`;
    if (page.title !== title) page.title = title;
  };
  rooms.subscribe(write);
  place.subscribe(write);
  write();
}
