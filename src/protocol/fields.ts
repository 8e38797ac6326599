import * as v from "valibot";

/** Errors by field name. Each completes a sentence that starts with the field's name: "must not be blank". */
export type FieldErrors = Record<string, string[]>;

export type Fields<T> =
  | { readonly fields: T; readonly errors?: undefined }
  | { readonly fields?: undefined; readonly errors: FieldErrors };

/** Parses an object with a schema. Messages never quote the input, which may contain a secret. */
export function readFields<S extends v.GenericSchema>(schema: S, input: unknown): Fields<v.InferOutput<S>> {
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
