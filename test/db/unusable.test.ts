import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test";
import { loadConfig } from "../../src/config/config.ts";
import { openDatabase } from "../../src/db/open.ts";
import { DatabaseUnusable } from "../../src/db/unusable.ts";
import { needs } from "../support/needs.ts";

setDefaultTimeout(30_000);

needs("TEST_DATABASE_URL")("a database that cannot be used is refused with one line that says why", () => {
  const name = `parley_unusable_${crypto.randomUUID().replaceAll("-", "")}`;
  const given = process.env.TEST_DATABASE_URL ?? "";
  let server: Bun.SQL;
  beforeAll(() => {
    server = new Bun.SQL(given, { max: 1 });
  });
  afterAll(() => server.close());

  /** Creates a database, changes it, and resolves to the lines that opening it prints. */
  async function refusal(edit: (url: URL) => void, create?: string, change?: string): Promise<string[]> {
    if (create !== undefined) await server.unsafe(`create database ${name} ${create}`);
    try {
      if (change !== undefined) await server.unsafe(`alter database ${name} set ${change}`);
      const address = new URL(given);
      address.pathname = `/${name}`;
      edit(address);
      let error: unknown;
      try {
        await (await openDatabase(loadConfig({ DATABASE_URL: address.href }))).close();
      } catch (thrown) {
        error = thrown;
      }
      if (error === undefined) return [];
      expect(error).toBeInstanceOf(DatabaseUnusable);
      return (error as Error).message.split("\n");
    } finally {
      await server.unsafe(`drop database if exists ${name} with (force)`);
    }
  }

  const withQuery = (query: string) => (url: URL) => {
    url.search = query;
  };
  const plain = withQuery("");
  const withUser = (url: URL) => {
    url.username = "parley_no_such";
  };
  const withHost = (url: URL) => {
    url.host = "nosuch.invalid";
  };
  const withBrokenPassword = (url: URL) => {
    url.href = url.href.replace("//", "//a:%zz@");
  };

  test.each([
    [
      "the encoding LATIN1",
      plain,
      "encoding 'LATIN1' locale 'C' template template0",
      undefined,
      "encoding LATIN1",
    ],
    [
      "no encoding",
      plain,
      "encoding 'SQL_ASCII' locale 'C' template template0",
      undefined,
      "encoding SQL_ASCII",
    ],
    ["a quoted list as its search_path", plain, "", "search_path = 'nosuch, public'", "search_path"],
    ["the search_path of a URL", withQuery("?search_path=nosuch"), "", undefined, "search_path"],
    ["a setting that forbids writes", plain, "", "default_transaction_read_only = on", "read-only"],
    ["Prisma's schema, which is another one", withQuery("?schema=chat"), "", undefined, "search_path=chat"],
    ["a parameter that Postgres does not know", withQuery("?nonsense=1"), "", undefined, '"nonsense"'],
    ["TLS, which the server lacks", withQuery("?sslmode=require"), "", undefined, "SSL"],
    ["an unknown sslmode", withQuery("?sslmode=nonsense"), "", undefined, "sslmode"],
    [
      "a certificate that is missing",
      withQuery("?sslmode=verify-full&sslrootcert=/nosuch"),
      "",
      undefined,
      "reached",
    ],
    ["a name that does not exist", plain, undefined, undefined, "does not exist"],
    ["a user who does not exist", withUser, "", undefined, "rejected"],
    ["an unknown host", withHost, undefined, undefined, "nosuch.invalid"],
    ["a broken password", withBrokenPassword, undefined, undefined, "DATABASE_URL"],
  ] as const)("%s", async (_, url, create, change, text) => {
    const lines = await refusal(url, create, change);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain(text);
  });

  test("parameters of other tools do no harm", async () => {
    const query = "?schema=public&connection_limit=5&pool_timeout=10&keepalives=1&sslmode=prefer";
    expect(await refusal(withQuery(query), "")).toEqual([]);
  });
});
