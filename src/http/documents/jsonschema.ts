import { toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";

/** JSON Schema, 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Schemas that have a name in a document: `components.schemas`. */
export type Named = Readonly<Record<string, v.GenericSchema>>;

/** What JSON Schema has no word for; where it could say something like it, the schema's metadata does. */
const UNSAID = ["check", "partial_check", "raw_check", "to_lower_case"];

/** What a schema takes, as JSON Schema; inner schemas that have a name are referred to. */
export function jsonSchemaOf(schema: v.GenericSchema, named: Named = {}): JsonSchema {
  const names = new Map<object, string>(Object.entries(named).map(([name, one]) => [one, name]));
  const { $schema, ...converted } = toJsonSchema(schema, {
    target: "draft-2020-12",
    typeMode: "input",
    ignoreActions: UNSAID,
    overrideSchema({ valibotSchema }) {
      const name = names.get(valibotSchema);
      return name === undefined ? undefined : { $ref: `#/components/schemas/${name}` };
    },
  });
  return converted;
}
