import { raw } from "hono/html";
import type { AsyncApi } from "./asyncapi.ts";
import { Codes } from "./codes.tsx";
import { Fields, Type } from "./fields.tsx";
import type { JsonSchema } from "./jsonschema.ts";
import type { OpenApi, OpenApiOperation, OpenApiResponse } from "./openapi.ts";
import { SECTIONS, Title } from "./sections.tsx";
import { Sockets } from "./sockets.tsx";
import { STYLE } from "./style.ts";

/** The page's Content-Security-Policy, which allows only its own style. */
export const pagePolicy = (): string => {
  const hash = new Bun.CryptoHasher("sha256").update(STYLE).digest("base64");
  return `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`;
};

/** Renders both documents as one page for people, without scripts or resources from other hosts. */
export function pageOf(openapi: OpenApi, asyncapi: AsyncApi): string {
  const operations = Object.entries(openapi.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  );
  const byTag = openapi.tags.map(
    ({ name }) => [name, operations.filter(({ operation }) => operation.tags.includes(name))] as const,
  );
  const page = (
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width" />
        <title>Parley API</title>
        <style>{raw(STYLE)}</style>
      </head>
      <body>
        <header>
          <h1>Parley API {openapi.info.version}</h1>
          <p>
            For programs: <a href="/openapi.json">openapi.json</a> (HTTP) and{" "}
            <a href="/asyncapi.json">asyncapi.json</a> (sockets).
          </p>
          <nav>
            <ul>
              {byTag.map(([tag]) => (
                <li>
                  <a href={`#${tag}`}>HTTP: {tag}</a>
                </li>
              ))}
              {Object.entries(SECTIONS).map(([id, title]) => (
                <li>
                  <a href={`#${id}`}>{title}</a>
                </li>
              ))}
            </ul>
          </nav>
        </header>
        <main>
          {byTag.map(([tag, entries]) => (
            <section>
              <h2 id={tag}>HTTP: {tag}</h2>
              {entries.map((entry) => (
                <Operation {...entry} />
              ))}
            </section>
          ))}
          <section>
            <Title of="schemas" />
            {Object.entries(openapi.components.schemas).map(([name, schema]) => (
              <>
                <h3 id={`schema-${name}`}>{name}</h3>
                <Fields schema={schema} />
              </>
            ))}
          </section>
          <Sockets document={asyncapi} />
          <Codes />
        </main>
      </body>
    </html>
  );
  return `<!doctype html>${page}`;
}

function Operation({
  method,
  path,
  operation,
}: {
  method: string;
  path: string;
  operation: OpenApiOperation;
}) {
  const { summary, description, security, parameters = [], requestBody, responses } = operation;
  const [scheme] = security.flatMap((one) => Object.keys(one));
  const body = requestBody?.content["application/json"]?.schema;
  const bodies = (body?.anyOf as readonly JsonSchema[] | undefined) ?? (body ? [body] : []);
  return (
    <article id={operation.operationId}>
      <h3>
        <span class="method">{method.toUpperCase()}</span> <code>{path}</code>
      </h3>
      <p>
        {summary}. {description}{" "}
        <span class="quiet">{scheme ? `Requires: ${scheme}.` : "Requires no token."}</span>
      </p>
      <Fields title="Parameters" schema={objectOf(parameters)} />
      {bodies.map((schema, index) => (
        <Fields title={index === 0 ? "Body" : "or"} schema={schema} />
      ))}
      <Responses responses={responses} />
    </article>
  );
}

const objectOf = (parameters: NonNullable<OpenApiOperation["parameters"]>): JsonSchema => ({
  properties: Object.fromEntries(
    parameters.map(({ name, schema, description }) => [
      name,
      { ...(description && { description }), ...schema },
    ]),
  ),
  required: parameters.filter(({ required }) => required).map(({ name }) => name),
});

function Responses({ responses }: { responses: Readonly<Record<string, OpenApiResponse>> }) {
  return (
    <table>
      <caption>Responses</caption>
      <tbody>
        {Object.entries(responses).map(([status, { description, content = {}, headers = {} }]) => (
          <tr>
            <td>
              <code>{status}</code>
            </td>
            <td>{description}</td>
            <td>
              {Object.entries(content).map(([media, { schema }]) => (
                <div>
                  {media === "application/problem+json" ? (
                    <a href="#schema-Problem">Problem</a>
                  ) : media === "application/json" ? (
                    <Type schema={schema} />
                  ) : (
                    <code>{media}</code>
                  )}
                </div>
              ))}
              {Object.keys(headers).length > 0 && <small>headers: {Object.keys(headers).join(", ")}</small>}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
