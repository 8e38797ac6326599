import { toJsonSchema } from "@valibot/to-json-schema";
import type * as v from "valibot";

/** JSON Schema, 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Schemas with a name in the document's `components.schemas`. */
export type Named = Readonly<Record<string, v.GenericSchema>>;

/** Actions that JSON Schema cannot express. The schema's metadata states an approximation if there is one. */
const INEXPRESSIBLE = ["check", "partial_check", "raw_check", "to_lower_case"];

/** Returns the JSON Schema of a schema's input. Named inner schemas become references. */
export function jsonSchemaOf(schema: v.GenericSchema, named: Named = {}): JsonSchema {
  const names = new Map<object, string>(Object.entries(named).map(([name, one]) => [one, name]));
  const { $schema, ...converted } = toJsonSchema(schema, {
    target: "draft-2020-12",
    typeMode: "input",
    ignoreActions: INEXPRESSIBLE,
    overrideSchema({ valibotSchema }) {
      const name = names.get(valibotSchema);
      return name === undefined ? undefined : { $ref: refOf(name) };
    },
  });
  return converted;
}

/** Returns the reference to a schema by its name in the document. */
export const refOf = (name: string): string => `#/components/schemas/${name}`;
