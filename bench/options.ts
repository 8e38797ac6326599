import { parseArgs } from "node:util";

export const USAGE = `bun run bench [--quick] [--embedded] [--only name]… [--runs n] [--loads n] [--messages n] [--binary]
              [--out file] [--picture file] [--profile folder]

  --quick      every scenario in its small form, once: under two minutes
  --embedded   Parley on PGlite instead of Postgres
  --only       the scenarios of these names
  --runs       runs of each server; 5 where it is not given
  --loads      processes that make the load; 1 where it is not given
  --messages   what a soak is made of; 10,000,000 where it is not given
  --binary     dist/parley instead of the source
  --out        where the figures go as JSON; dist/bench.json where it is not given
  --picture    where the picture goes, such as docs/bench.svg
  --profile    a folder for a CPU profile of every Parley server

Postgres is at BENCH_DATABASE_URL, or TEST_DATABASE_URL, or on this machine; a Redis for several nodes the same way.
Linux: it reads /proc.`;

export type Options = ReturnType<typeof readOptions>;

/** @throws {TypeError} for an option that there is not. */
export function readOptions(args: readonly string[], env: Readonly<Record<string, string | undefined>>) {
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: "boolean", default: false },
      quick: { type: "boolean", default: false },
      embedded: { type: "boolean", default: false },
      only: { type: "string", multiple: true },
      runs: { type: "string" },
      loads: { type: "string", default: "1" },
      messages: { type: "string", default: "10000000" },
      binary: { type: "boolean", default: false },
      out: { type: "string", default: "dist/bench.json" },
      picture: { type: "string" },
      profile: { type: "string" },
    },
  });
  return {
    ...values,
    runs: Number(values.runs ?? (values.quick ? 1 : 5)),
    loads: Number(values.loads),
    messages: Number(values.messages),
    redis: env.BENCH_REDIS_URL || env.TEST_REDIS_URL || "redis://127.0.0.1:6379",
    address: env.BENCH_DATABASE_URL || env.TEST_DATABASE_URL || "postgres://postgres@127.0.0.1:5432/postgres",
  };
}
