import * as v from "valibot";
import { DATA_MAX_BYTES } from "./limits.ts";

/** How deep objects and arrays may be nested in it, so that no reader has to fear for its stack. */
const DEPTH_MAX = 32;

const TOO_LARGE = `must have at most ${DATA_MAX_BYTES} bytes as JSON`;

/**
 * Schema for what a product attaches to a message: a JSON object that is never interpreted. It becomes the JSON text that
 * is stored and delivered. What would not arrive as it was sent is refused.
 */
export const data = v.pipe(
  v.unknown(),
  v.metadata({
    type: "object",
    description: `Belongs to the product: a JSON object of at most ${DATA_MAX_BYTES} bytes, at most ${DEPTH_MAX} levels deep.`,
  }),
  v.rawTransform(({ dataset, addIssue, NEVER }): string => {
    const fault = dataFault(dataset.value);
    const text = fault === undefined ? JSON.stringify(dataset.value) : "";
    const message = fault ?? (Buffer.byteLength(text) > DATA_MAX_BYTES ? TOO_LARGE : undefined);
    if (message === undefined) return text;
    addIssue({ message });
    return NEVER;
  }),
);

/** Checks a parsed value level by level, and stops when it is certainly too large: nothing here or later recurses far. */
function dataFault(value: unknown): string | undefined {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return "must be a JSON object";
  let least = 0;
  let level: object[] = [value];
  for (let depth = 1; level.length > 0; depth++) {
    if (depth > DEPTH_MAX) return `must be at most ${DEPTH_MAX} levels deep`;
    const next: object[] = [];
    for (const parent of level) {
      const items: readonly unknown[] = Array.isArray(parent) ? parent : Object.values(parent);
      const texts = Array.isArray(parent) ? [] : Object.keys(parent);
      least += items.length;
      if (least > DATA_MAX_BYTES) return TOO_LARGE;
      for (const item of items) {
        if (typeof item === "string") texts.push(item);
        else if (typeof item === "object" && item !== null) next.push(item);
        // JSON.parse rounds larger numbers, so they would arrive changed.
        else if (typeof item === "number" && Math.abs(item) > Number.MAX_SAFE_INTEGER)
          return "must not contain numbers of 2^53 or more: send them as text";
      }
      for (const text of texts) {
        least += text.length;
        if (least > DATA_MAX_BYTES) return TOO_LARGE;
        if (text.includes("\0")) return "must not contain the character NUL";
        if (!text.isWellFormed()) return "must not contain lone surrogates";
      }
    }
    level = next;
  }
  return undefined;
}
