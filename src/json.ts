import { Refusal } from "./errors.ts";

/** How deep JSON from outside may be nested. The deepest that anything accepts is far from it. */
const DEPTH_MAX = 128;
/** Shorter texts are parsed at once: even if they are all brackets, that takes less than a millisecond. */
const SHORT = 1_024;

/**
 * Parses the JSON object that somebody sent. `what` names it in errors, such as "The frame".
 * @throws {Refusal} malformed: it is not JSON, not an object, or is nested more than 128 levels deep.
 */
export function parseObject(text: string, what: string): Record<string, unknown> {
  const fault = (says: string) => new Refusal("malformed", { detail: `${what} ${says}` });
  // To parse 64 KiB of brackets takes as long as to parse megabytes of ordinary JSON.
  if (text.length > SHORT && isDeep(text)) throw fault(`is nested more than ${DEPTH_MAX} levels deep.`);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw fault("is not JSON.");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw fault("is not a JSON object.");
  return value as Record<string, unknown>;
}

const [QUOTE, BACKSLASH] = [0x22, 0x5c];
const [OPENING, CLOSING] = [new Set([0x5b, 0x7b]), new Set([0x5d, 0x7d])];

/** Whether brackets outside of strings are open more than {@link DEPTH_MAX} at once. */
function isDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    if (unit === QUOTE) at = endOfString(text, at);
    else if (OPENING.has(unit)) {
      if (++depth > DEPTH_MAX) return true;
    } else if (CLOSING.has(unit)) depth--;
  }
  return false;
}

function endOfString(text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at >= 0; at = text.indexOf('"', at + 1)) {
    let escapes = 0;
    while (text.charCodeAt(at - 1 - escapes) === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return at;
  }
  return text.length;
}
