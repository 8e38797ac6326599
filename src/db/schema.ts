// The tables. After a change, `bun run migrations` writes a migration.
export * from "./schema/accounts.ts";
export * from "./schema/operation.ts";
export * from "./schema/people.ts";
export * from "./schema/rooms.ts";
