import { isIP } from "node:net";
import type { Context } from "hono";
import * as v from "valibot";
import { Refusal } from "../errors.ts";
import type { Identity } from "../identity.ts";
import { readFields } from "../protocol/fields.ts";

/** What the routes are given with each request. */
export interface Env {
  Bindings: {
    /** The address at the other end of the connection. */
    address: string;
  };
  Variables: {
    /** The address of the client: see {@link clientAddress}. */
    address: string;
    /** Who asks; on routes behind `bearer` only. */
    identity: Identity;
  };
}

/**
 * The address of the client: that of the connection, or, behind `hops` proxies, the one that the first of them was
 * reached from. What stands before it in `X-Forwarded-For` anyone may have written, and is not believed.
 */
export function clientAddress(
  forwardedFor: string | null | undefined,
  connection: string,
  hops: number,
): string {
  if (hops === 0 || !forwardedFor) return connection;
  const addresses = forwardedFor.split(",").map((part) => part.trim());
  const address = (addresses[Math.max(0, addresses.length - hops)] ?? "").replace(/^\[(.*)\](:\d+)?$/, "$1");
  const bare = isIP(address) ? address : address.replace(/:\d+$/, "");
  return isIP(bare) ? bare : connection;
}

/** The token of an `Authorization: Bearer` header (RFC 6750, section 2.1). @throws {Refusal} token_missing. */
export function bearerToken(header: string | null | undefined): string {
  const [, token] = /^Bearer +(\S+) *$/i.exec(header ?? "") ?? [];
  if (!token) throw new Refusal("token_missing");
  return token;
}

export type ObjectSchema = v.ObjectSchema<v.ObjectEntries, undefined>;

/** A whole number in a path or a query, in decimal digits. */
export const decimal = (min: number, max: number) =>
  v.pipe(
    v.string("must be a string"),
    v.regex(/^\d{1,16}$/, "must be a whole number"),
    v.metadata({ type: "integer", pattern: undefined, minimum: min, maximum: max }),
    v.transform(Number),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );

/** The query of a request, read by a schema. @throws {Refusal} invalid: a parameter that is unknown, wrong, or there twice. */
export function readQuery<S extends ObjectSchema>(c: Context, schema: S): v.InferOutput<S> {
  const params = new URL(c.req.url).searchParams;
  const faults = [...new Set(params.keys())].flatMap((name): [string, string[]][] => {
    // Object.hasOwn: `toString` is no parameter of ours.
    if (!Object.hasOwn(schema.entries, name)) return [[name, ["is not a parameter here"]]];
    return params.getAll(name).length > 1 ? [[name, ["must be given once"]]] : [];
  });
  if (faults.length > 0) throw new Refusal("invalid", { errors: Object.fromEntries(faults) });
  return readInput(schema, Object.fromEntries(params));
}

/** @throws {Refusal} invalid, with what is wrong with each field. */
export function readInput<S extends v.GenericSchema>(schema: S, input: unknown): v.InferOutput<S> {
  const { fields, errors } = readFields(schema, input);
  if (errors) throw new Refusal("invalid", { errors });
  return fields;
}

/** @throws {Refusal} unsupported_media_type, malformed. */
export async function jsonObject(c: Context): Promise<object> {
  if (!/^application\/json *(;|$)/i.test(c.req.header("content-type") ?? ""))
    throw new Refusal("unsupported_media_type");
  const bytes = await c.req.arrayBuffer();
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch {
    throw new Refusal("malformed", { detail: "The body is not JSON in UTF-8." });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new Refusal("malformed", { detail: "The body is not a JSON object." });
  return value;
}
