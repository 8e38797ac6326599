import type { Context } from "hono";
import * as v from "valibot";
import { Refusal } from "../errors.ts";
import type { Budgets } from "../budgets.ts";
import type { Identity } from "../identity.ts";
import { parseObject } from "../json.ts";
import { NAMED_MAX, readFields } from "../protocol/fields.ts";
import type { KeyHolder } from "../scopes.ts";
import type { Origin } from "../security.ts";

/** What every route receives with a request. */
export interface Env {
  Bindings: {
    /** The peer address of the connection. */
    address: string;
    /** Lets this request take longer than others, until the function that it returns is called. */
    unhurried?(): () => void;
  };
  Variables: {
    /** The client's address: see {@link clientAddress}. */
    address: string;
    /** The network of that address, which has budgets. */
    network: string;
    budgets: Budgets;
    /** The caller, or in whose name a key acts. Set only on routes that require a token of theirs or a key. */
    identity: Identity;
    /** The room of the incoming hook whose address was called. Set only there. */
    hookedRoom: string;
    /** Reads the body of the request: see {@link Bodies}. */
    readBody(): Promise<Uint8Array>;
    /** The key that a request has shown, if it has shown one. */
    key: KeyHolder;
    /** Returns a person in whose name the key may act. Set if there is a key and the route lets it do so. @throws {Refusal} */
    become(reference: string): Promise<Identity>;
  };
}

/** Returns the client that sent a request. */
export const originOf = (c: Context<Env>): Origin => ({
  address: c.var.address,
  userAgent: c.req.header("user-agent") ?? "",
});

/** Returns the token of an `Authorization: Bearer` header (RFC 6750, section 2.1), if it has one. */
export const bearerToken = (header: string | null | undefined): string | undefined =>
  /^Bearer +(\S+) *$/i.exec(header ?? "")?.[1];
export const tokenOf = (c: Context): string | undefined => bearerToken(c.req.header("authorization"));

export type ObjectSchema = v.ObjectSchema<v.ObjectEntries, undefined>;

/** An integer in a path or query, written in decimal digits. */
export const decimal = (min: number, max: number) =>
  v.pipe(
    v.string("must be a string"),
    v.regex(/^\d{1,16}$/, "must be a whole number"),
    v.metadata({ type: "integer", pattern: undefined, minimum: min, maximum: max }),
    v.transform(Number),
    v.minValue(min, `must be at least ${min}`),
    v.maxValue(max, `must be at most ${max}`),
  );

/** Parses the query string. @throws {Refusal} `invalid` if a parameter is unknown, invalid or repeated. */
export function readQuery<S extends ObjectSchema>(c: Context<Env>, schema: S): v.InferOutput<S> {
  const params = new URL(c.req.url).searchParams;
  const faults = [...new Set(params.keys())].slice(0, NAMED_MAX).flatMap((name): [string, string[]][] => {
    if (name === "as" && c.get("become")) return [];
    // Object.hasOwn rejects inherited names such as `toString`.
    if (!Object.hasOwn(schema.entries, name)) return [[name, ["is not a known parameter"]]];
    return params.getAll(name).length > 1 ? [[name, ["must be given only once"]]] : [];
  });
  if (faults.length > 0) throw new Refusal("invalid", { errors: Object.fromEntries(faults) });
  if (c.get("become")) params.delete("as");
  return readInput(schema, Object.fromEntries(params));
}

/** Parses input with a schema. @throws {Refusal} `invalid`, with the errors of each field. */
export function readInput<S extends v.GenericSchema>(schema: S, input: unknown): v.InferOutput<S> {
  const { fields, errors } = readFields(schema, input);
  if (errors) throw new Refusal("invalid", { errors });
  return fields;
}

/** Returns the JSON object in the request body. @throws {Refusal} `unsupported_media_type`, `malformed` and those of {@link Bodies}. */
export async function jsonObject(c: Context<Env>): Promise<object> {
  if (!/^application\/json *(;|$)/i.test(c.req.header("content-type") ?? ""))
    throw new Refusal("unsupported_media_type");
  return parseObject(await textBody(c), "The request body");
}

/** Returns the text in the request body. @throws {Refusal} `malformed` if it is not UTF-8, and those of {@link Bodies}. */
export async function textBody(c: Context<Env>): Promise<string> {
  const bytes = await c.get("readBody")();
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    throw new Refusal("malformed", { detail: "The request body is not UTF-8." });
  }
}
