CREATE TABLE "bans" (
	"user_id" bigint NOT NULL,
	"room_id" bigint NOT NULL,
	"at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "bans_user_id_room_id_pk" PRIMARY KEY("user_id","room_id")
);
--> statement-breakpoint
CREATE TABLE "own" (
	"user_id" bigint NOT NULL,
	"room_id" bigint NOT NULL,
	"last_read" bigint DEFAULT 0 NOT NULL,
	CONSTRAINT "own_user_id_room_id_pk" PRIMARY KEY("user_id","room_id")
);
--> statement-breakpoint
INSERT INTO "own" ("user_id", "room_id", "last_read")
	SELECT "user_id", "room_id", "last_read" FROM "members" WHERE "last_read" > 0;
--> statement-breakpoint
INSERT INTO "bans" ("user_id", "room_id", "at")
	SELECT "user_id", "room_id", "banned_at" FROM "members" WHERE "banned_at" IS NOT NULL;
--> statement-breakpoint
-- A row with both times equal was made by a ban alone: that person was never in the room.
DELETE FROM "members" WHERE "banned_at" = "joined_at";
--> statement-breakpoint
ALTER TABLE "rooms" ADD COLUMN "departures" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
DROP INDEX "members_banned";--> statement-breakpoint
ALTER TABLE "members" ADD COLUMN "state" text DEFAULT 'in' NOT NULL;--> statement-breakpoint
ALTER TABLE "members" ADD COLUMN "version" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "members" RENAME COLUMN "joined_at" TO "since";--> statement-breakpoint
ALTER TABLE "members" DROP COLUMN "last_read";--> statement-breakpoint
ALTER TABLE "members" DROP COLUMN "banned_at";--> statement-breakpoint
CREATE INDEX "members_left" ON "members" USING btree ("user_id","since") WHERE state = 'left';
