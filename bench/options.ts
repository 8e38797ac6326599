import { parseArgs } from "node:util";

export const USAGE = `bun run bench [--quick] [--embedded] [--only name]… [--runs n] [--loads n] [--messages n] [--binary]
              [--out file] [--picture file] [--profile folder] [--trace]

  --quick      run the small form of every scenario once: under two minutes
  --embedded   run Parley on PGlite instead of Postgres
  --only       run only the scenario of this name; may be repeated
  --runs       runs of each server (default: 5, or 1 with --quick)
  --loads      number of load processes (default: 1)
  --messages   number of messages in the soak scenario (default: 10,000,000)
  --binary     run dist/parley instead of the source
  --out        file for the figures as JSON (default: dist/bench.json)
  --picture    file for the chart, such as docs/bench.svg
  --profile    folder for a CPU profile of every Parley server
  --trace      show where the time of a message goes, by the server's own histograms

Environment: BENCH_DATABASE_URL or else TEST_DATABASE_URL (default: Postgres on this machine);
BENCH_REDIS_URL or else TEST_REDIS_URL (default: Redis on this machine).
Requires Linux, because it reads /proc.`;

export type Options = ReturnType<typeof readOptions>;

/** Parses the command line and the environment. @throws {TypeError} for an unknown option. */
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
      trace: { type: "boolean", default: false },
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
