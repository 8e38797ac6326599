/**
 * What every connection sets. Generic plans made on empty tables would pin sequential scans, just-in-time compilation
 * costs more than it saves on short statements, and a process that stalls within a transaction must not hold a room.
 */
export const SESSION = {
  plan_cache_mode: "force_generic_plan",
  enable_seqscan: "off",
  jit: "off",
  idle_in_transaction_session_timeout: "10s",
  application_name: "parley",
} as const;
