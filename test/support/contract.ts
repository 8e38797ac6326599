import { asyncApiOf } from "../../src/http/documents/asyncapi.ts";
import { type OpenApiOperation, openApiOf } from "../../src/http/documents/openapi.ts";
import { everyRoute } from "./routes.ts";
import { createMisfit } from "./schemas.ts";

// Verifies HTTP requests and responses against the OpenAPI document that the server serves.

export interface Exchange {
  readonly method: string;
  /** The path with its query. */
  readonly target: string;
  /** The body of the request as text. */
  readonly sent?: string | undefined;
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

interface Problem {
  readonly status?: number;
  readonly code?: string;
}

const document = JSON.parse(JSON.stringify(openApiOf(everyRoute(), "test"))) as ReturnType<typeof openApiOf>;
const sockets = asyncApiOf("test").channels;
const handshakes = new Set(Object.values(sockets).flatMap((channel) => channel["x-refusals"]));
const misfit = createMisfit(document, { closed: true });
const requestMisfit = createMisfit(document, { closed: false });

const TEMPLATES = Object.keys(document.paths)
  .map((path) => ({
    path,
    form: new RegExp(`^${path.replace(/[.]/g, "\\.").replace(/\{\w+\}/g, "([^/]+)")}/?$`),
  }))
  // Literal paths take precedence over paths with parameters.
  .sort((a, b) => a.path.split("{").length - b.path.split("{").length);

/** Verifies an exchange. @throws {Error} if the response or an accepted request does not match the document. */
export function holdExchange(exchange: Exchange): void {
  const wrong = faultOf(exchange);
  const { method, target, status, text } = exchange;
  if (wrong) throw new Error(`${method} ${target} ${status}: ${wrong}\n${text.slice(0, 1000)}`);
}

/** Returns the path as the server reads it: without dot segments, like the request that was sent. */
function partsOf(target: string) {
  const { pathname, searchParams: query } = new URL(`http://localhost${target}`);
  // The first clients wrote //, which the document leaves out.
  return { path: pathname.replace(/^\/history\/\/(?=.)/, "/history/"), query };
}

function faultOf(exchange: Exchange): string | undefined {
  const { method, status, headers, text } = exchange;
  const { path } = partsOf(exchange.target);
  if (method === "OPTIONS" && status === 204) return undefined; // a CORS preflight
  if (/^\/ws(\/|$)/.test(path)) return refusedFault(exchange, [...handshakes]);
  const template = TEMPLATES.find(({ form }) => form.test(path));
  if (!template) return refusedFault(exchange, ["not_found", "too_large", "rate_limited"]);
  const methods = document.paths[template.path] ?? {};
  const name = method === "HEAD" ? "get" : method.toLowerCase();
  const operation = methods[name];
  if (!operation) {
    const allowed = Object.keys(methods).flatMap((name) =>
      name === "get" ? ["GET", "HEAD"] : name.toUpperCase(),
    );
    const listed = headers.get("allow")?.split(", ") ?? [];
    if (listed.sort().join() !== allowed.sort().join())
      return `the Allow header lists ${listed}, but the document ${allowed}`;
    return refusedFault(exchange, ["method_not_allowed", "rate_limited"]);
  }
  // Routes for operators do not exist unless they are configured.
  const optional =
    operation.security.length > 0 && operation.security.every((scheme) => !("accessToken" in scheme));
  if (optional && status === 404 && codeOf(text) === "not_found")
    return refusedFault(exchange, ["not_found"]);

  const response = operation.responses[status];
  if (!response) return "the document does not list this status";
  const missing = Object.keys(response.headers ?? {}).filter((name) => name !== "Link" && !headers.has(name));
  if (missing.length > 0) return `the headers ${missing} are missing`;
  const pointer = ["paths", template.path, name, "responses", String(status), "content"];
  return bodyFault(exchange, response.content, pointer) ?? requestFault(exchange, template, name, operation);
}

function bodyFault(
  { method, headers, text }: Exchange,
  content: Readonly<Record<string, unknown>> | undefined,
  pointer: readonly string[],
): string | undefined {
  if (method === "HEAD" || !content)
    return text === "" ? undefined : "the response has a body, but the document lists none";
  const media = headers.get("content-type")?.split(";")[0] ?? "";
  if (!(media in content)) return `the content type is ${media}, which the document does not list`;
  return misfit(/[/+]json$/.test(media) ? JSON.parse(text) : text, ...pointer, media, "schema");
}

/** Verifies that the document allows an accepted request, so that it is not stricter than the server. */
function requestFault(
  exchange: Exchange,
  { path, form }: { path: string; form: RegExp },
  method: string,
  { parameters = [], requestBody }: OpenApiOperation,
): string | undefined {
  const { target, sent, status } = exchange;
  if (status >= 300) return undefined;
  const { path: asked, query } = partsOf(target);
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name);
  const found = form.exec(asked)?.slice(1) ?? [];
  for (const [index, { name, in: where, schema, required }] of parameters.entries()) {
    if (where === "header") continue;
    const raw = where === "path" ? decodeURIComponent(found[names.indexOf(name)] ?? "") : query.get(name);
    if (raw === null && !required) continue;
    const value = schema.type === "integer" ? Number(raw) : raw;
    const wrong = requestMisfit(value, "paths", path, method, "parameters", String(index), "schema");
    if (wrong) return `the parameter ${name} was accepted, but ${wrong}`;
  }
  if (sent === undefined || !requestBody?.content["application/json"]) return undefined;
  const pointer = ["paths", path, method, "requestBody", "content", "application/json", "schema"];
  const wrong = requestMisfit(JSON.parse(sent), ...pointer);
  return wrong && `the body was accepted, but ${wrong}`;
}

function refusedFault({ method, text, status }: Exchange, codes: readonly string[]): string | undefined {
  if (method === "HEAD") return undefined;
  const problem = problemOf(text);
  if (!problem || problem.status !== status) return "the body is no problem document with this status";
  if (!codes.includes(problem.code ?? "")) return `the code is ${problem.code}, not ${codes.join(" or ")}`;
  return misfit(problem, "components", "schemas", "Problem");
}

const codeOf = (text: string) => problemOf(text)?.code;

function problemOf(text: string): Problem | undefined {
  try {
    return JSON.parse(text) as Problem;
  } catch {
    return undefined;
  }
}
