// The tables. After a change, `bun run migrations` writes a migration.
export * from "./schema/accounts.ts";
export * from "./schema/consumers.ts";
export * from "./schema/files.ts";
export * from "./schema/mail.ts";
export * from "./schema/hooks.ts";
export * from "./schema/operation.ts";
export * from "./schema/people.ts";
export * from "./schema/push.ts";
export * from "./schema/rooms.ts";
