import { toJsonSchema, toJsonSchemaDefs } from "@valibot/to-json-schema";
import type * as v from "valibot";

/** JSON Schema, 2020-12. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** Schemas that have a name in a document. */
export type Named = Readonly<Record<string, v.GenericSchema>>;

/** What JSON Schema has no word for; where it could say something like it, the schema's metadata does. */
const UNSAID = ["check", "partial_check", "raw_check", "to_lower_case"];

const CONFIG = { target: "draft-2020-12", typeMode: "input", ignoreActions: UNSAID } as const;

const overrideRef = ({ referenceId }: { referenceId: string }) => `#/components/schemas/${referenceId}`;

/** What a schema takes, as JSON Schema; schemas that have a name in the document are referred to. */
export function jsonSchemaOf(schema: v.GenericSchema, named: Named): JsonSchema {
  const { $schema, $defs, ...converted } = toJsonSchema(schema, {
    ...CONFIG,
    definitions: { ...named },
    overrideRef,
  });
  return converted;
}

/** The named schemas of a document, as its `components.schemas`. */
export const definitionsOf = (named: Named): Readonly<Record<string, JsonSchema>> =>
  toJsonSchemaDefs({ ...named }, { ...CONFIG, overrideRef }) as Record<string, JsonSchema>;
