import * as v from "valibot";

/** What is wrong with each field of an input, by the field's name. */
export type FieldErrors = Record<string, string[]>;

export type Fields<T> =
  | { readonly fields: T; readonly errors?: undefined }
  | { readonly fields?: undefined; readonly errors: FieldErrors };

/** Reads an object by a schema. The messages never quote the input, which may hold a secret. */
export function readFields<S extends v.GenericSchema>(schema: S, input: unknown): Fields<v.InferOutput<S>> {
  const parsed = v.safeParse(schema, input, { message: mismatch });
  if (parsed.success) return { fields: parsed.output };
  const errors: FieldErrors = {};
  for (const issue of parsed.issues) (errors[String(issue.path?.[0]?.key ?? "")] ??= []).push(issue.message);
  return { errors };
}

/** Said where the schema has no message of its own: valibot's quote what was received. */
function mismatch({ input, expected }: v.BaseIssue<unknown>): string {
  if (input === undefined) return "is required";
  return expected ? `must be: ${expected}` : "is not valid";
}
