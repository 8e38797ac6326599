/** @jsxImportSource hono/jsx/dom */

const HUES = 8;
const letters = new Intl.Segmenter();

/** The first letter of a name, in a colour that depends on the name. */
export function Avatar({ name }: { readonly name: string }) {
  const [first = ""] = letters.segment(name);
  const letter = typeof first === "string" ? first : first.segment;
  return (
    <span class={`avatar hue-${hueOf(name)}`} aria-hidden="true">
      {[...letter].slice(0, 3).join("").toUpperCase()}
    </span>
  );
}

function hueOf(name: string): number {
  let hash = 0;
  for (const letter of name) hash = (hash * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return hash % HUES;
}
