import type { Subject } from "../client/index.ts";

/** Something that shows itself in snapshots, as the client's own parts do. */
export type Source<T> = Pick<Subject<T>, "snapshot" | "subscribe">;
