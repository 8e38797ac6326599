/** @jsxImportSource hono/jsx/dom */
import { hueOf, hues, spread } from "./hues.ts";
import { nameOf, type Someone } from "./person.tsx";
import { useLatest } from "./latest.ts";
import { hasPictures, pictures } from "./pictures.ts";

const letters = new Intl.Segmenter();

/** What tells people apart. */
export const keyOf = ({ username, user }: Someone): string => user?.id || username;

/** The first letters of the first and the last word of a name. */
function initialsOf(name: string): string {
  const words = name.split(/[\s._-]+/).filter(Boolean);
  const [first = name, last] = [words[0], words.length > 1 ? words.at(-1) : undefined];
  return [first, last].map((word) => firstOf(word ?? "")).join("");
}

function firstOf(word: string): string {
  const [first] = letters.segment(word.slice(0, 32));
  // A letter can have any number of marks.
  return [...(first?.segment ?? "")].slice(0, 3).join("").toUpperCase();
}

/** Someone's picture, or their initials on a colour of their own. */
export function Avatar({ of }: { readonly of: Someone }) {
  useLatest(hues);
  return (
    <span class="avatar" style={{ "--hue": `${hueOf(keyOf(of))}` }} aria-hidden="true">
      {initialsOf(nameOf(of))}
      {hasPictures && of.user && <Picture id={of.user.id} />}
    </span>
  );
}

/** Covers the initials as soon as it is there. */
function Picture({ id }: { readonly id: string }) {
  const address = useLatest(pictures).get(id);
  if (address === undefined) return null;
  return (
    <img
      key={address}
      src={address}
      alt=""
      loading="lazy"
      decoding="async"
      onError={({ target }: Event) => ((target as HTMLImageElement).hidden = true)}
    />
  );
}

/** Two people of a conversation, in different colours. */
export function Pair({ of: [first, second] }: { readonly of: readonly Someone[] }) {
  if (!first) return null;
  if (!second) return <Avatar of={first} />;
  spread([keyOf(first), keyOf(second)], true);
  return (
    <span class="pair">
      <Avatar of={first} />
      <Avatar of={second} />
    </span>
  );
}
