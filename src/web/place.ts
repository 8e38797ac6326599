import { createSubject } from "../client/index.ts";
import type { Source } from "./source.ts";

/** What the page shows, as the fragment of its address says. */
export type Place =
  | { readonly view: "rooms" }
  | { readonly view: "room"; readonly name: string }
  | { readonly view: "account" };

/** Longer than the address of any room, in UTF-16 units. */
const HASH_MAX = 2400;

export const hrefOf = (place: Place): string =>
  place.view === "room"
    ? `#/room/${encodeURIComponent(place.name)}`
    : place.view === "account"
      ? "#/account"
      : "#/";

export function placeOf(hash: string): Place {
  if (hash.length > HASH_MAX) return { view: "rooms" };
  const [, view, rest] = hash.split("/", 3);
  if (view === "account") return { view };
  if (view !== "room" || !rest) return { view: "rooms" };
  try {
    return { view, name: decodeURIComponent(rest).normalize() };
  } catch {
    return { view: "rooms" }; // Not UTF-8.
  }
}

export interface CurrentPlace extends Source<Place> {
  /** Changes the place and replaces the entry in the browser's history. */
  replace(place: Place): void;
}

/** The place in the address bar. */
export function createPlace(page: Window): CurrentPlace {
  const { snapshot, subscribe, changed } = createSubject(() => placeOf(page.location.hash));
  page.addEventListener("hashchange", changed);
  return {
    snapshot,
    subscribe,
    replace(place) {
      page.location.replace(hrefOf(place));
      changed(); // `hashchange` fires later.
    },
  };
}
