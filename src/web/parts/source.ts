import type { Subject } from "../../client/index.ts";

/** State with snapshots and subscribers, like a chat and its rooms. */
export type Source<T> = Pick<Subject<T>, "snapshot" | "subscribe">;
