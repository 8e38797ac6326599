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

/** The place in the address bar. */
export function createPlace(page: Window): Source<Place> {
  const source = createSubject(() => placeOf(page.location.hash));
  page.addEventListener("hashchange", source.changed);
  return source;
}
