import type * as v from "valibot";
import { invalid, Refusal } from "../../errors.ts";
import { parseObject } from "../../json.ts";
import { readFields } from "../../protocol/fields.ts";

/** Parses the object in a text frame. @throws {Refusal} malformed: a binary frame, or none of {@link parseObject}. */
export function objectOf(frame: string | Uint8Array): Record<string, unknown> {
  if (typeof frame !== "string")
    throw new Refusal("malformed", { detail: "Frames must be text, not binary." });
  return parseObject(frame, "The frame");
}

/** Parses a value by a schema. @throws {Refusal} invalid, with the fault of each field. */
export function parse<S extends v.GenericSchema>(schema: S, value: unknown): v.InferOutput<S> {
  const read = readFields(schema, value);
  if (!read.errors) return read.fields;
  throw invalid(read.errors);
}
