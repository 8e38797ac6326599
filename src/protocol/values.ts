import * as v from "valibot";
import { ID_MAX } from "./limits.ts";
import { ROOM_SPELLING, roomName } from "./rooms.ts";

/** An integer from 0 to {@link ID_MAX}. */
export const whole = v.pipe(
  v.number("must be a number"),
  v.safeInteger("must be a whole number"),
  v.minValue(0, "must not be negative"),
  v.maxValue(ID_MAX, `must be at most ${ID_MAX}`),
);
/** A message id: the room version at which the message was posted. */
export const messageId = v.pipe(whole, v.minValue(1, "must be at least 1"));

/** A UUID (RFC 9562) in any case, converted to lower case. */
export const uuid = v.pipe(v.string("must be a string"), v.uuid("must be a UUID"), v.toLowerCase());

/** The idempotency key of a change. */
export const clientId = v.pipe(
  uuid,
  v.description("Identifies this change. Repeating it with the same clientId has no further effect."),
);

export const room = v.pipe(
  v.string("must be a string"),
  v.metadata({ description: "A room name, in any Unicode normalization.", ...ROOM_SPELLING }),
  v.transform((name) => roomName(name) ?? ""),
  v.minLength(1, "must be 1 to 64 letters, digits, _, - or ., not starting with a dot"),
);

/** A server timestamp: ISO 8601 in UTC. */
export const timestamp = v.pipe(v.string(), v.isoTimestamp());

/** How far a client has followed a room: `<epoch>.<version>`. */
export const position = v.pipe(
  v.string("must be a string"),
  v.regex(/^[\w-]{1,64}\.\d{1,16}$/, "must be <epoch>.<version>"),
  v.description("How far the client has followed the room: <epoch>.<version>."),
  v.transform((text) => {
    const dot = text.lastIndexOf(".");
    return { epoch: text.slice(0, dot), version: Number(text.slice(dot + 1)) };
  }),
  v.check(({ version }) => version <= ID_MAX, `must have a version of at most ${ID_MAX}`),
);
export type Position = v.InferOutput<typeof position>;
