import type { User } from "../../client/index.ts";

/** What mentions everyone in a text. */
export const EVERYONE = "everyone";

/** A name after an @ that is not in the middle of a word, as in an address. Longer than any username, because a text may go on. */
const NAME = /(?<![\p{L}\p{N}_.@/-])@([\p{L}\p{N}][\p{L}\p{N}._-]{0,39})/gu;
const CODE = /```[^]*?(?:```|$)|`[^`\n]*`/g;

/** A name in a text. */
export interface Named {
  readonly name: string;
  /** Where its @ is. */
  readonly from: number;
  readonly to: number;
}

/** Finds the names in a text for which `isKnown`. What follows a name, such as a full stop, may belong to the sentence. */
export function namesIn(text: string, isKnown: (name: string) => boolean): Named[] {
  return Array.from(text.matchAll(NAME)).flatMap(({ 1: all = "", index }) => {
    for (let name = all; name !== ""; name = name.slice(0, Math.max(0, name.search(/[._-]+[^._-]*$/))))
      if (isKnown(name)) return [{ name, from: index, to: index + 1 + name.length }];
    return [];
  });
}

/** Whom a text mentions: the people, by username, and whether everyone. Code mentions nobody. */
export function mentionsIn(text: string, people: ReadonlyMap<string, User>) {
  const plain = text.replace(CODE, " ");
  const found = namesIn(plain, (name) => name === EVERYONE || people.has(name));
  const ids = new Set(found.flatMap(({ name }) => people.get(name)?.id ?? []));
  return { mentions: [...ids].slice(0, 50), everyone: found.some(({ name }) => name === EVERYONE) };
}

/** A name before the caret. */
export interface Typed {
  readonly name: string;
  readonly from: number;
  readonly to: number;
}

const TYPED = /(?<![\p{L}\p{N}_.@/-])@([\p{L}\p{N}._-]{0,40})$/u;
const READ_MAX = 64;

/** Returns the name that is being typed at the caret. */
export function typedAt(text: string, caret: number): Typed | undefined {
  const [all, name = ""] = TYPED.exec(text.slice(Math.max(0, caret - READ_MAX), caret)) ?? [];
  return all === undefined ? undefined : { name, from: caret - all.length, to: caret };
}
