import * as v from "valibot";

// Messages between a parent and its workers.

const id = v.number();
/** The metrics of one process, as prom-client's JSON. */
const measured = v.custom<Measured>((value) => Array.isArray(value));

export type Measured = readonly object[];

const fromWorker = v.variant("type", [
  v.object({ type: v.literal("ready") }),
  /** A worker requests the metrics of all workers. */
  v.object({ type: v.literal("wanted"), id }),
  v.object({ type: v.literal("measured"), id, measured }),
]);
const fromParent = v.variant("type", [
  v.object({ type: v.literal("stop") }),
  v.object({ type: v.literal("measure"), id }),
  v.object({ type: v.literal("all"), id, all: v.array(measured) }),
]);

export type FromWorker = v.InferOutput<typeof fromWorker>;
export type FromParent = v.InferOutput<typeof fromParent>;

/** Parses a message from a worker; undefined if it is not valid. */
export const readFromWorker = (message: unknown): FromWorker | undefined => read(fromWorker, message);
/** Parses a message from the parent; undefined if it is not valid. */
export const readFromParent = (message: unknown): FromParent | undefined => read(fromParent, message);

function read<T>(schema: v.GenericSchema<unknown, T>, message: unknown): T | undefined {
  const parsed = v.safeParse(schema, message);
  return parsed.success ? parsed.output : undefined;
}
