import { createSubject } from "../../client/index.ts";
import type { Source } from "../parts/source.ts";

/** What the page shows, as the fragment of its address says. */
export type Place =
  | { readonly view: "rooms" }
  /** `message`: the id of a message to go to. */
  | { readonly view: "room"; readonly name: string; readonly message?: number | undefined }
  | { readonly view: "account" | "saved" | "mentions" };

/** Longer than the address of any message, in UTF-16 units. */
const HASH_MAX = 2400;

export function hrefOf(place: Place): string {
  if (place.view === "rooms") return "#/";
  if (place.view !== "room") return `#/${place.view}`;
  const { name, message } = place;
  return `#/room/${encodeURIComponent(name)}${message === undefined ? "" : `/${message}`}`;
}

export function placeOf(hash: string): Place {
  if (hash.length > HASH_MAX) return { view: "rooms" };
  const [, view, rest, id] = hash.split("/", 4);
  if (view === "account" || view === "saved" || view === "mentions") return { view };
  if (view !== "room" || !rest) return { view: "rooms" };
  try {
    const name = decodeURIComponent(rest).normalize();
    return /^[1-9]\d{0,14}$/.test(id ?? "") ? { view, name, message: Number(id) } : { view, name };
  } catch {
    return { view: "rooms" }; // Not UTF-8.
  }
}

export interface CurrentPlace extends Source<Place> {
  /** Changes the place and replaces the entry in the browser's history. */
  replace(place: Place): void;
}

/** The place in the address bar. Each visit is another object, also of the same place. */
export function createPlace(page: Window): CurrentPlace {
  let place = placeOf(page.location.hash);
  const { snapshot, subscribe, changed } = createSubject(() => place);
  const stamp = () => page.history.replaceState({ visited: true }, "");
  const arrive = () => {
    const { state } = page.history as { state: { readonly visited?: boolean } | null };
    place = placeOf(page.location.hash);
    // Back and Forward lead to where the reader was in the room, which is not where a link once led.
    if (place.view === "room" && state?.visited) place = { ...place, message: undefined };
    stamp();
    changed();
  };
  stamp();
  page.addEventListener("popstate", arrive); // also after a click on a link to a fragment
  page.document.addEventListener("click", (event) => keepHere(page, event));
  return {
    snapshot,
    subscribe,
    replace(next) {
      page.location.replace(hrefOf(next));
      arrive(); // `popstate` can fire later.
    },
  };
}

/** Opens a link to a place of this page here, wherever it is written, and not in a new tab. */
function keepHere({ location }: Window, event: MouseEvent): void {
  const link = (event.target as Element | null)?.closest?.("a");
  if (!link?.target || event.defaultPrevented || event.button !== 0) return;
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  const isHere = link.origin === location.origin && link.pathname === location.pathname;
  if (!isHere || !link.hash.startsWith("#/")) return;
  event.preventDefault();
  location.hash = link.hash;
}
