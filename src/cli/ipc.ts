import * as v from "valibot";

// What a parent and its workers say to each other.

const id = v.number();
/** What one process has measured, as the metrics' library writes it down. */
const measured = v.custom<Measured>((value) => Array.isArray(value));

export type Measured = readonly object[];

const fromWorker = v.variant("type", [
  v.object({ type: v.literal("ready") }),
  /** Someone wants the metrics of all workers. */
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

/** What was said; nothing where it is none of these. */
export const readFromWorker = (message: unknown): FromWorker | undefined => read(fromWorker, message);
export const readFromParent = (message: unknown): FromParent | undefined => read(fromParent, message);

function read<T>(schema: v.GenericSchema<unknown, T>, message: unknown): T | undefined {
  const parsed = v.safeParse(schema, message);
  return parsed.success ? parsed.output : undefined;
}
