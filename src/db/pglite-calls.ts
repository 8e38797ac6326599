/** What the embedded database's worker can be asked to do. */
export type Call =
  | { method: "open"; dataDir: string | undefined }
  | { method: "query"; sql: string; params: unknown[]; rowMode: "array" | "object" | undefined }
  | { method: "dump" }
  | { method: "close" };

/** A message to the worker. */
export type Request = Call & { id: number };

/** The worker's reply to the request with the same `id`. */
export type Answer = { id: number } & (
  { result: unknown; error?: undefined } | { error: { message: string; code: string | undefined } }
);

/** The worker's last message: Postgres stopped for good, for this reason. */
export interface Panic {
  readonly panic: string;
}

/** The code of the error of a database that would lose acknowledged changes in a power failure. */
export const NOT_DURABLE = "NOT_DURABLE";
