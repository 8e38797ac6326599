import type { Context, MiddlewareHandler } from "hono";
import type * as v from "valibot";
import type { ErrorCode } from "../protocol/codes.ts";
import type { ScopeName } from "../scopes.ts";
import type { Payer } from "../budgets.ts";
import { actAs } from "./acting.ts";
import { type Cost, isOverBudget, pay, payAs } from "./cost.ts";
import { roomParam } from "./room.ts";
import { requireScope } from "./scope.ts";
import { type Env, jsonObject, type ObjectSchema, readInput, readQuery } from "./request.ts";

/** A kind of token. */
export type Security = "accessToken" | "key" | "metricsToken";

/** A response body: JSON with this schema, text of this media type, or null for none. */
export type Answer = v.GenericSchema | string | null;

/** A route's entry in the OpenAPI document. Each handler of the route may contribute a part. */
export interface Description {
  readonly summary?: string;
  readonly about?: string;
  /** Path parameters. */
  readonly params?: v.ObjectEntries;
  readonly query?: ObjectSchema;
  readonly json?: v.GenericSchema;
  /** Whether a request may have no body. Then its fields are absent. */
  readonly bodyless?: boolean;
  /** The body is a file of any kind. */
  readonly file?: true;
  /** A body as people send it. */
  readonly example?: object;
  /** Successful responses, by status. */
  readonly answers?: Readonly<Record<number, Answer>>;
  /** Media types of text that a successful response may have instead, if the request accepts them. */
  readonly forms?: readonly string[];
  /** Headers that a request may have, with their descriptions. */
  readonly sends?: Readonly<Record<string, string>>;
  /** Headers of successful responses, with their descriptions. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Error codes of this route, in addition to those that every route can return. */
  readonly refusals?: readonly ErrorCode[];
  /** The kinds of tokens of which a route requires one. */
  readonly security?: readonly Security[];
  /**
   * What a key must be allowed, in the room of the path if there is one. Without it, only keys that may do everything can
   * use the route.
   */
  readonly scope?: ScopeName;
  /** Whether a key may act as a person, whom `as` names. */
  readonly acts?: boolean;
  /** False: anyone may call the route as often as they like. */
  readonly limited?: boolean;
  /** Another spelling of a route that is described already. The document leaves it out. */
  readonly unlisted?: boolean;
}

const DESCRIPTION = Symbol("description");
/** The longest body, in bytes, that is read although its network has spent its budget. */
const INSIDER_MAX = 2048;

/** Attaches to a handler its part of the route's description. */
export const described = <H extends object>(handler: H, description: Description): H =>
  Object.assign(handler, { [DESCRIPTION]: description });

/** Returns the description attached to a handler, or undefined if there is none. */
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
  /** Defaults to one request of its person, operator or network. `free`: nothing. */
  readonly cost?: Cost<v.InferOutput<Q>> | "free";
  /**
   * Returns who pays if the network has spent its budget for strangers: a person who is known, so that nobody can lock
   * their neighbours out. Not called for bodies over 2 KiB.
   */
  readonly insider?: (body: v.InferOutput<J>, c: Context<Env>) => Promise<Payer | undefined>;
  /** If `json` is a union: picks the schema that a body is meant for, so that errors name its fields. */
  readonly choose?: (body: object) => v.GenericSchema<unknown, v.InferOutput<J>>;
}

/**
 * Describes a route, charges for it, and parses its input with the same schemas: `c.req.valid("json")`,
 * `c.req.valid("query")`.
 * @throws {Refusal} `rate_limited`, `scope_missing`, `unsupported_media_type`, `malformed`, `invalid`.
 */
export function operation<J extends v.GenericSchema = never, Q extends ObjectSchema = never>({
  choose,
  cost,
  insider,
  ...description
}: Operation<J, Q>): MiddlewareHandler<Env, string, Reads<J, Q>> {
  const { json, query, bodyless } = description;
  const read: MiddlewareHandler<Env, string, Reads<J, Q>> = async (c, next) => {
    let asked: v.InferOutput<Q> | undefined;
    if (query)
      try {
        c.req.addValidatedData("query", (asked = readQuery(c, query)));
      } catch (error) {
        pay(c);
        throw error;
      }
    const asks = insider && isOverBudget(c) && Number(c.req.header("content-length")) <= INSIDER_MAX;
    if (cost !== "free" && !asks) pay(c, cost, asked);
    const key = c.get("key");
    if (key) requireScope(key, description.scope ?? "admin", c.req.param("room") && roomParam(c));
    const sent = json && !(bodyless && c.req.raw.body === null) ? await jsonObject(c) : {};
    const body = await actAs(c, sent);
    if (json) {
      const input = readInput(choose?.(body) ?? json, body) as v.InferOutput<J>;
      if (asks) payAs(c, await insider(input, c));
      c.req.addValidatedData("json", input as object);
    }
    await next();
  };
  return described(read, { ...description, limited: cost !== "free" });
}
