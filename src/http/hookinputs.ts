import * as v from "valibot";
import { duration } from "../config/schemas.ts";
import { HOOK_CHANGES } from "../hooks/hooks.ts";
import { personName } from "../protocol/people.ts";
import { normalized, text } from "../protocol/text.ts";

// What requests about webhooks contain.

const PATTERNS_MAX = 100;
const PATTERN_MAX = 256;
const PEOPLE_MAX = 100;
const URL_MAX = 2048;
/** How long the secret before a new one signs too. */
const OVERLAP = "1d";

const pattern = v.pipe(
  text({ min: 1, max: PATTERN_MAX }),
  // As room names are normalised.
  v.transform((given) => normalized(given, "NFC", 2 * PATTERN_MAX) ?? ""),
);
const settings = {
  name: v.pipe(text({ min: 1, max: 64 }), v.description("What people call it.")),
  url: v.pipe(text({ min: 1, max: URL_MAX }), v.description("Where the changes go, with POST.")),
  changes: v.pipe(
    v.array(v.picklist(HOOK_CHANGES, `must be one of ${HOOK_CHANGES.join(", ")}`), "must be a list"),
    v.minLength(1, "must name at least one"),
    v.maxLength(HOOK_CHANGES.length, "must name each once"),
    v.description("The kinds of changes that it gets, as the events of chat.v1 name them. Default: all."),
  ),
  mentions: v.pipe(
    v.nullable(
      v.pipe(
        v.array(personName, "must be a list"),
        v.maxLength(PEOPLE_MAX, `must name at most ${PEOPLE_MAX} people`),
      ),
    ),
    v.description("Only messages that mention one of these people, or everyone. Null: all messages."),
  ),
};
export const CREATE = v.strictObject({
  ...settings,
  name: v.optional(settings.name, "webhook"),
  changes: v.optional(settings.changes, () => [...HOOK_CHANGES]),
  mentions: v.optional(settings.mentions, null),
  rooms: v.pipe(
    v.optional(
      v.pipe(
        v.array(pattern, "must be a list"),
        v.minLength(1, "must name at least one"),
        v.maxLength(PATTERNS_MAX, `must have at most ${PATTERNS_MAX} patterns`),
      ),
      () => ["*"],
    ),
    v.description(
      "Names of rooms, in which * stands for any characters. They never change. Default: all rooms.",
    ),
  ),
});
export const CHANGE = v.strictObject({
  name: v.optional(settings.name),
  url: v.optional(settings.url),
  changes: v.optional(settings.changes),
  mentions: v.optional(settings.mentions),
  state: v.optional(
    v.pipe(
      v.picklist(["on", "paused"], "must be on or paused"),
      v.description("On: it continues where it stopped."),
    ),
  ),
  skip: v.optional(
    v.pipe(v.boolean(), v.description("With state on: it continues with what happens from now on.")),
  ),
});
export const ROTATE = v.strictObject({
  overlap: v.pipe(
    v.optional(duration, OVERLAP),
    v.description("How long the secret before this one signs too, such as 12h or 7d."),
  ),
});
