import type { JsonSchema } from "./jsonschema.ts";
import type { Security } from "../operation.ts";

/** The kinds of tokens, as OpenAPI describes them. */
export const SECURITY = {
  accessToken: {
    type: "http",
    scheme: "bearer",
    bearerFormat: "JWT",
    description: "A person's access token.",
  },
  key: {
    type: "http",
    scheme: "bearer",
    description: "A key of an operator or a backend, with the scope in x-scope; or ADMIN_TOKEN.",
  },
  metricsToken: { type: "http", scheme: "bearer", description: "The METRICS_TOKEN." },
} as const satisfies Record<Security, object>;

/** In whose name a key acts. */
export const AS = {
  name: "as",
  in: "query",
  description:
    "With a key: the person in whose name it acts, as an id, @username or mailto:address. It may stand in a JSON body instead.",
  required: false,
  schema: { type: "string" },
} as const;

/** Adds `as` to the body of a request. */
export const withAs = ({ properties, ...schema }: JsonSchema): JsonSchema => ({
  ...schema,
  properties: { ...(properties as object), as: { ...AS.schema, description: AS.description } },
});
