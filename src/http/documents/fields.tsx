import type { JsonSchema } from "./jsonschema.ts";

/** Longer enumerations are replaced by a link to the error codes. */
const ENUM_MAX = 8;

/** A table of an object schema's fields. Renders nothing if there are none. */
export function Fields({ schema, title }: { schema: JsonSchema; title?: string }) {
  const properties = Object.entries((schema.properties ?? {}) as Record<string, JsonSchema>);
  const required = new Set(schema.required as readonly string[] | undefined);
  if (properties.length === 0) return <></>;
  return (
    <table>
      {title && <caption>{title}</caption>}
      <thead>
        <tr>
          <th>field</th>
          <th>type</th>
          <th>description</th>
        </tr>
      </thead>
      <tbody>
        {properties.map(([name, field]) => (
          <tr>
            <td>
              <code>{name}</code>
              {!required.has(name) && <small> optional</small>}
            </td>
            <td>
              <Type schema={field} />
            </td>
            <td>{field.description}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** A short description of a value's type: `integer, 1 to 1000`. */
export function Type({ schema }: { schema: JsonSchema }) {
  const name = nameOf(schema);
  if (name !== undefined) return <a href={`#schema-${name}`}>{name}</a>;
  const options = schema.anyOf as readonly JsonSchema[] | undefined;
  if (options)
    return (
      <>
        {options.map((option, index) => (
          <>
            {index > 0 && " or "}
            <Type schema={option} />
          </>
        ))}
      </>
    );
  if (schema.const !== undefined) return <code>{JSON.stringify(schema.const)}</code>;
  const listed = schema.enum as readonly string[] | undefined;
  if (listed && listed.length > ENUM_MAX) return <a href="#error-codes">an error code</a>;
  if (listed) return <code>{listed.join(" · ")}</code>;
  if (schema.type === "array")
    return (
      <>
        list of <Type schema={schema.items as JsonSchema} />
      </>
    );
  if (schema.type === "object") return <ObjectType schema={schema} />;
  return <>{[schema.format ?? schema.type, rangeOf(schema)].filter(Boolean).join(", ")}</>;
}

function ObjectType({ schema }: { schema: JsonSchema }) {
  const names = Object.keys((schema.properties ?? {}) as object);
  if (names.length > 0) return <>{`{${names.join(", ")}}`}</>;
  const values = schema.additionalProperties;
  if (typeof values !== "object" || values === null) return <>object</>;
  return (
    <>
      object of <Type schema={values as JsonSchema} />
    </>
  );
}

/** Returns the name of a referenced schema, or undefined if the schema is inline. */
const nameOf = (schema: JsonSchema): string | undefined =>
  typeof schema.$ref === "string" ? schema.$ref.split("/").at(-1) : undefined;

function rangeOf({ minimum, maximum, minLength, maxLength }: JsonSchema): string {
  if (typeof maxLength === "number")
    return typeof minLength === "number"
      ? `${minLength} to ${maxLength} characters`
      : `up to ${maxLength} characters`;
  if (typeof minimum !== "number" && typeof maximum !== "number") return "";
  // The upper end of the safe integers is not worth showing.
  if (maximum === Number.MAX_SAFE_INTEGER) return `from ${minimum}`;
  return maximum === undefined ? `from ${minimum}` : `${minimum} to ${maximum}`;
}
