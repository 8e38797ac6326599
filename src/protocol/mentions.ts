import * as v from "valibot";
import { PERSON_NAME_MAX } from "./limits.ts";
import { text } from "./text.ts";

/** The most people whom one message mentions by name. */
export const MENTIONS_MAX = 50;
/** What mentioning everyone costs, in people. */
export const EVERYONE_COSTS = 20;
/** The most members of a private room in which every member may mention everyone. */
export const EVERYONE_MAX = 100;
/** The most bytes of the people whom a message mentions, so that it fits in a frame. */
export const MENTIONS_BYTES = 8 * 1024;

/** Whom a message mentions. */
export const mentions = v.pipe(
  v.array(text({ min: 1, max: PERSON_NAME_MAX }), "must be a list"),
  v.maxLength(MENTIONS_MAX, `must name at most ${MENTIONS_MAX} people`),
  v.description("People by their ids, or by @ and their usernames."),
);

export const everyone = v.pipe(
  v.boolean("must be true or false"),
  v.description("Whether to mention everyone in the room."),
);

/** What an ack says about mentions. */
export const unreached = v.pipe(
  v.optional(v.array(v.string())),
  v.description("Mentions, as they were sent, of people who may not read the message or are not known here."),
);
