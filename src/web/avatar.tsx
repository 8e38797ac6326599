/** @jsxImportSource hono/jsx/dom */
import { nameOf, type Someone } from "./person.tsx";

const HUES = 12;
const letters = new Intl.Segmenter();

interface AvatarProps {
  readonly of: Someone;
  /** The colour. Depends on the username unless it is given. */
  readonly hue?: number;
}

/** The first letter of what someone is called. */
export function Avatar({ of, hue = hueOf(of.username) }: AvatarProps) {
  const name = nameOf(of);
  const [first = ""] = letters.segment(name);
  const letter = typeof first === "string" ? first : first.segment;
  return (
    <span class={`avatar hue-${hue}`} aria-hidden="true">
      {[...letter].slice(0, 3).join("").toUpperCase()}
    </span>
  );
}

/** Two people of a conversation, in different colours. */
export function Pair({ of: [first, second] }: { readonly of: readonly Someone[] }) {
  if (!first) return null;
  if (!second) return <Avatar of={first} />;
  const [hue, other] = [hueOf(first.username), hueOf(second.username)];
  return (
    <span class="pair">
      <Avatar of={first} hue={hue} />
      <Avatar of={second} hue={hue === other ? (hue + HUES / 2) % HUES : other} />
    </span>
  );
}

function hueOf(name: string): number {
  let hash = 0;
  for (const letter of name) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return (hash >>> 8) % HUES;
}
