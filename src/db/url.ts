import { DatabaseUnusable } from "./unusable.ts";

/** Parameters that other tools add to the URL of a Postgres database for themselves. They mean nothing to Postgres. */
const OF_OTHER_TOOLS = new Set([
  // Prisma
  "connection_limit",
  "pgbouncer",
  "pool_timeout",
  "schema",
  "socket_timeout",
  "statement_cache_size",
  // libpq
  "fallback_application_name",
  "gssencmode",
  "keepalives",
  "keepalives_count",
  "keepalives_idle",
  "keepalives_interval",
  // Supabase
  "supa",
]);

/** Returns a database's URL without the parameters of other tools. @throws {DatabaseUnusable} if one of them matters. */
export function withoutForeign(text: string): string {
  const url = new URL(text);
  const schema = url.searchParams.get("schema") ?? "public";
  if (schema !== "public")
    throw new DatabaseUnusable(
      `DATABASE_URL has schema=${schema}, which is a parameter of Prisma: replace it with search_path=${schema}`,
    );
  const foreign = [...url.searchParams.keys()].filter((name) => OF_OTHER_TOOLS.has(name));
  for (const name of foreign) url.searchParams.delete(name);
  return foreign.length > 0 ? url.href : text;
}

/** Whether a URL says that it leads to a pooler that gives each transaction another connection. */
export const namesPooler = (text: string): boolean => {
  const { hostname, searchParams } = new URL(text);
  return searchParams.get("pgbouncer") === "true" || /-pooler\.[^/]*\.neon\.tech$/.test(hostname);
};
