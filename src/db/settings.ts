/**
 * Settings of every connection. Generic plans made on empty tables would pin sequential scans. Just-in-time
 * compilation costs more than it saves on short statements. A process that stalls inside a transaction must
 * not block a room. A pooler that gives each transaction another connection cannot keep them.
 */
export const SESSION = {
  plan_cache_mode: "force_generic_plan",
  enable_seqscan: "off",
  jit: "off",
  idle_in_transaction_session_timeout: "10s",
  application_name: "parley",
} as const;
