import * as v from "valibot";

/** Errors by field name. Each completes a sentence that starts with the field's name: "must not be blank". */
export type FieldErrors = Record<string, string[]>;

export type Fields<T> =
  | { readonly fields: T; readonly errors?: undefined }
  | { readonly fields?: undefined; readonly errors: FieldErrors };

/** The most fields that one error names, and the most characters of a name. */
export const NAMED_MAX = 20;
const NAME_MAX = 64;

/**
 * Parses an object with a schema. A strict object has no other fields than its schema. Messages never quote the input, which
 * may contain a secret.
 */
export function readFields<S extends v.GenericSchema>(schema: S, input: unknown): Fields<v.InferOutput<S>> {
  const unknown = unknownFields(schema, input);
  if (unknown.length > 0)
    return { errors: Object.fromEntries(unknown.map((name) => [name, ["is not known"]])) };
  const parsed = v.safeParse(schema, input, { message: mismatch });
  if (parsed.success) return { fields: parsed.output };
  const errors: FieldErrors = {};
  for (const issue of parsed.issues) (errors[String(issue.path?.[0]?.key ?? "")] ??= []).push(issue.message);
  return { errors };
}

/** Default message for schemas without their own. Valibot's defaults quote the received value. */
function mismatch({ input, expected }: v.BaseIssue<unknown>): string {
  if (input === undefined) return "is required";
  return expected ? `must be ${expected}` : "is not valid";
}

/** Valibot's own check stops at the first one, and takes names that every object inherits for known. */
function unknownFields(schema: v.GenericSchema, input: unknown): string[] {
  if (schema.type !== "strict_object" || typeof input !== "object" || input === null) return [];
  const { entries } = schema as v.GenericSchema & { readonly entries: v.ObjectEntries };
  return Object.keys(input)
    .filter((name) => !Object.hasOwn(entries, name))
    .slice(0, NAMED_MAX)
    .map((name) => name.slice(0, NAME_MAX));
}
