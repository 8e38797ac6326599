import type { MiddlewareHandler } from "hono";
import type * as v from "valibot";
import type { ErrorCode } from "../protocol/codes.ts";
import { type Env, jsonObject, type ObjectSchema, readInput, readQuery } from "./request.ts";

/** Who may call: whose token it is that a request brings. */
export type Security = "accessToken" | "adminToken" | "metricsToken";

/** What an answer holds: JSON of that schema, a text of that media type, or nothing. */
export type Answer = v.GenericSchema | string | null;

/** What the OpenAPI document says of a route; each of its handlers may tell a part. */
export interface Description {
  readonly summary?: string;
  readonly about?: string;
  /** The parameters of the path. */
  readonly params?: v.ObjectEntries;
  readonly query?: ObjectSchema;
  readonly json?: v.GenericSchema;
  /** By status. */
  readonly answers?: Readonly<Record<number, Answer>>;
  /** Headers of the answers that are not refusals, and what they say. */
  readonly headers?: Readonly<Record<string, string>>;
  /** What it is refused with, besides what every request may be. */
  readonly refusals?: readonly ErrorCode[];
  readonly security?: Security;
  readonly deprecated?: boolean;
}

const DESCRIPTION = Symbol("description");

/** Notes down on a handler what the document is to say of the routes that it serves. */
export const described = <H extends object>(handler: H, description: Description): H =>
  Object.assign(handler, { [DESCRIPTION]: description });

/** What is noted down on a handler; undefined: nothing. */
export const descriptionOf = (handler: object): Description | undefined =>
  (handler as { [DESCRIPTION]?: Description })[DESCRIPTION];

type Part<K extends string, S, T> = [S] extends [never] ? object : { [Key in K]: T };

interface Reads<J extends v.GenericSchema, Q extends ObjectSchema> {
  in: Part<"json", J, v.InferInput<J>> & Part<"query", Q, v.InferInput<Q>>;
  out: Part<"json", J, v.InferOutput<J>> & Part<"query", Q, v.InferOutput<Q>>;
}

interface Operation<J extends v.GenericSchema, Q extends ObjectSchema> extends Description {
  readonly summary: string;
  readonly answers: Readonly<Record<number, Answer>>;
  readonly json?: J;
  readonly query?: Q;
  /** Where `json` is a union: which of its schemas a body is meant for, so that what is wrong with it can be said. */
  readonly choose?: (body: object) => v.GenericSchema<unknown, v.InferOutput<J>>;
}

/**
 * Describes a route and reads its input by the same schemas: `c.req.valid("json")`, `c.req.valid("query")`.
 * @throws {Refusal} unsupported_media_type, malformed, invalid.
 */
export function operation<J extends v.GenericSchema = never, Q extends ObjectSchema = never>({
  choose,
  ...description
}: Operation<J, Q>): MiddlewareHandler<Env, string, Reads<J, Q>> {
  const { json, query } = description;
  const read: MiddlewareHandler<Env, string, Reads<J, Q>> = async (c, next) => {
    if (query) c.req.addValidatedData("query", readQuery(c, query));
    if (json) {
      const body = await jsonObject(c);
      c.req.addValidatedData("json", readInput(choose?.(body) ?? json, body) as object);
    }
    await next();
  };
  return described(read, description);
}
