/** @jsxImportSource hono/jsx/dom */
import { nameOf, type Someone } from "./person.tsx";

const HUES = 8;
const letters = new Intl.Segmenter();

/** The first letter of what someone is called, in a colour that depends on their username. */
export function Avatar({ of }: { readonly of: Someone }) {
  const name = nameOf(of);
  const [first = ""] = letters.segment(name);
  const letter = typeof first === "string" ? first : first.segment;
  return (
    <span class={`avatar hue-${hueOf(of.username)}`} aria-hidden="true">
      {[...letter].slice(0, 3).join("").toUpperCase()}
    </span>
  );
}

function hueOf(name: string): number {
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return hash % HUES;
}
