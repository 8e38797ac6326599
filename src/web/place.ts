import { createSubject } from "../client/index.ts";
import type { Source } from "./source.ts";

/** Where in the page one is: what stands behind the # of its address. */
export type Place =
  | { readonly view: "rooms" }
  | { readonly view: "room"; readonly name: string }
  | { readonly view: "account" };

export const hrefOf = (place: Place): string =>
  place.view === "room"
    ? `#/room/${encodeURIComponent(place.name)}`
    : place.view === "account"
      ? "#/account"
      : "#/";

export function placeOf(hash: string): Place {
  const [, view, rest] = hash.split("/", 3);
  if (view === "account") return { view };
  if (view !== "room" || !rest) return { view: "rooms" };
  try {
    return { view, name: decodeURIComponent(rest).normalize() };
  } catch {
    return { view: "rooms" }; // not UTF-8
  }
}

export interface CurrentPlace extends Source<Place> {
  /** Replaces the place, without a way back to it. */
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
      changed(); // `hashchange` comes later.
    },
  };
}
