import { createSubject } from "../../client/index.ts";

/** Steps around the circle of colours. */
const HUES = 12;
const HUE_LIST = Array.from({ length: HUES }, (_, hue) => hue);

/** The colours of people, so that everyone keeps theirs while the page is open. */
const given = new Map<string, number>();

const subject = createSubject(() => new Map(given));
/** The colours that people were given. */
export const hues = subject;

/** Every other step, so that few people have colours that are easy to tell apart. */
const usualOf = (id: string): number => {
  let hash = 0;
  for (const letter of id) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return ((hash >>> 8) % (HUES / 2)) * 2;
};

const distance = (a: number, b: number) => Math.min(Math.abs(a - b), HUES - Math.abs(a - b));

/** Returns the angle of someone's colour, in degrees. */
export const hueOf = (id: string): number => ((given.get(id) ?? usualOf(id)) * 360) / HUES;

/**
 * Gives people who are seen together colours that differ, as long as there are enough. Those who come first keep theirs.
 * `move`: even someone who has a colour already may get another one.
 */
export function spread(ids: readonly string[], move: boolean): void {
  const used = new Set<number>();
  let changed = false;
  const nearest = (hue: number) => Math.min(...[...used].map((other) => distance(hue, other)));
  for (const id of new Set(ids)) {
    const wish = given.get(id) ?? usualOf(id);
    let hue = wish;
    if (used.has(wish) && (move || !given.has(id))) {
      const free = HUE_LIST.filter((other) => !used.has(other));
      const usual = free.filter((other) => other % 2 === 0);
      for (const other of usual.length > 0 ? usual : free) if (nearest(other) > nearest(hue)) hue = other;
    }
    changed ||= hue !== wish;
    given.set(id, hue);
    used.add(hue);
  }
  if (changed) subject.changed();
}
