// How long the steps of a graceful shutdown may take, in milliseconds. docs/OPERATIONS.md and the service files say more.

/** A stopping server waits this long for outstanding answers. */
export const DRAIN_MS = 15_000;
/** Then it waits this long for its sockets to close. */
export const GOODBYE_MS = 2_000;
/** Then it closes its database. Workers that take longer than all of this together are killed. */
export const WORKER_STOP_MS = DRAIN_MS + GOODBYE_MS + 8_000;
