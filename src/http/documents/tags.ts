/** What the operations of the OpenAPI document are about. */
export const TAGS = {
  account: "A person's account and sessions, and whom they block.",
  rooms: "Rooms, who is in them, and what is posted there.",
  history: "What was posted, and what happens.",
  hooks: "URLs of others that get what happens in rooms, and URLs with which others post.",
  admin: "For operators and backends, with a key of theirs.",
  server: "The server itself: probes, keys, documents.",
};
type Tag = keyof typeof TAGS;
/** Tags by the first segment of a path. All other paths are about the server. */
export const TAG_OF: Readonly<Record<string, Tag>> = {
  account: "account",
  blocks: "account",
  rooms: "rooms",
  direct: "rooms",
  invitations: "rooms",
  files: "rooms",
  history: "history",
  events: "history",
  hooks: "hooks",
  "incoming-hooks": "hooks",
  in: "hooks",
  admin: "admin",
  "api-keys": "admin",
};
