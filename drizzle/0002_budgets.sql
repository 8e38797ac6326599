CREATE TABLE "api_keys" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "api_keys_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"name" text NOT NULL,
	"scope" text NOT NULL,
	"hash" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"last_used_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "api_keys_name" UNIQUE("name"),
	CONSTRAINT "api_keys_hash" UNIQUE("hash")
);
--> statement-breakpoint
CREATE TABLE "erased_people" (
	"hash" text NOT NULL,
	"user_id" bigint NOT NULL,
	CONSTRAINT "erased_people_hash_user_id_pk" PRIMARY KEY("hash","user_id")
);
--> statement-breakpoint
CREATE TABLE "registration_links" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "registration_links_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"hash" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"used_at" timestamp with time zone,
	"user_id" bigint,
	CONSTRAINT "registration_links_hash" UNIQUE("hash")
);
--> statement-breakpoint
DROP INDEX "sessions_user";--> statement-breakpoint
ALTER TABLE "rooms" ALTER COLUMN "name" SET DATA TYPE text collate "C";--> statement-breakpoint
ALTER TABLE "audit" ADD COLUMN "actor" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "audit" ADD COLUMN "address" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "audit" ADD COLUMN "target" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "keys" ADD COLUMN "revoked_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "reacted" smallint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "rooms" ADD COLUMN "skeleton" text;--> statement-breakpoint
ALTER TABLE "rooms" ADD COLUMN "posted" boolean GENERATED ALWAYS AS (version > 0) STORED NOT NULL;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "skeleton" text;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "capitals" text;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "erased_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "bans_room" ON "bans" USING btree ("room_id");--> statement-breakpoint
CREATE INDEX "members_room" ON "members" USING btree ("room_id");--> statement-breakpoint
CREATE INDEX "rooms_skeleton" ON "rooms" USING btree ("skeleton");--> statement-breakpoint
CREATE INDEX "rooms_listed" ON "rooms" USING btree ("name") WHERE posted;--> statement-breakpoint
CREATE INDEX "rooms_unused" ON "rooms" USING btree ("id") WHERE not posted;--> statement-breakpoint
CREATE INDEX "sessions_live" ON "sessions" USING btree ("user_id","used_at") WHERE revoked_at is null;--> statement-breakpoint
CREATE INDEX "users_capitals" ON "users" USING btree ("capitals");--> statement-breakpoint
CREATE INDEX "users_deleted" ON "users" USING btree ("deleted_at") WHERE deleted_at is not null and erased_at is null;--> statement-breakpoint
CREATE INDEX "sessions_user" ON "sessions" USING btree ("user_id","expires_at");--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_skeleton" UNIQUE("skeleton");--> statement-breakpoint
-- Until now, deleting an account erased it at once.
UPDATE "users" SET "erased_at" = "deleted_at" WHERE "deleted_at" IS NOT NULL;--> statement-breakpoint
-- Until now, nobody counted reactions.
UPDATE "messages" "m" SET "reacted" = "r"."count" FROM (
	SELECT "room_id", "message_id", count(*) AS "count" FROM "reactions" GROUP BY "room_id", "message_id"
) "r" WHERE "r"."room_id" = "m"."room_id" AND "r"."message_id" = "m"."id";
