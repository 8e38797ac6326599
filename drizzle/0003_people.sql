CREATE SEQUENCE "public"."member_stamps" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1;--> statement-breakpoint
CREATE TABLE "blocks" (
	"user_id" bigint NOT NULL,
	"blocked_id" bigint NOT NULL,
	"at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "blocks_user_id_blocked_id_pk" PRIMARY KEY("user_id","blocked_id")
);
--> statement-breakpoint
CREATE TABLE "invitations" (
	"id" uuid PRIMARY KEY NOT NULL,
	"room_id" bigint NOT NULL,
	"hash" text NOT NULL,
	"created_by" bigint NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"version" bigint NOT NULL,
	"expires_at" timestamp with time zone NOT NULL,
	"max_uses" integer,
	"uses" integer DEFAULT 0 NOT NULL,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "invitations_hash" UNIQUE("hash")
);
--> statement-breakpoint
CREATE TABLE "reports" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "reports_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"room_id" bigint NOT NULL,
	"message_id" bigint NOT NULL,
	"reporter_id" bigint NOT NULL,
	"reason" text NOT NULL,
	"at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"sender_id" bigint NOT NULL,
	"version" bigint NOT NULL,
	"content" text NOT NULL,
	"data" text,
	"resolved_at" timestamp with time zone,
	"resolved_by" bigint,
	"resolution" text DEFAULT '' NOT NULL,
	CONSTRAINT "reports_once" UNIQUE("room_id","message_id","reporter_id")
);
--> statement-breakpoint
ALTER TABLE "changes" ADD COLUMN "target" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "members" ADD COLUMN "role" text DEFAULT 'member' NOT NULL;--> statement-breakpoint
ALTER TABLE "members" ADD COLUMN "changed" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "members" ADD COLUMN "from_id" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "members" ADD COLUMN "muted_until" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "members" ADD COLUMN "stamp" bigint DEFAULT nextval('member_stamps') NOT NULL;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "notice" jsonb;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "data" text;--> statement-breakpoint
ALTER TABLE "own" ADD COLUMN "notify" text;--> statement-breakpoint
ALTER TABLE "own" ADD COLUMN "hidden_at" bigint;--> statement-breakpoint
ALTER TABLE "own" ADD COLUMN "pinned_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "rooms" ADD COLUMN "fence" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "rooms" ADD COLUMN "kind" text DEFAULT 'open' NOT NULL;--> statement-breakpoint
ALTER TABLE "rooms" ADD COLUMN "title" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "rooms" ADD COLUMN "topic" text DEFAULT '' NOT NULL;--> statement-breakpoint
ALTER TABLE "rooms" ADD COLUMN "history" text DEFAULT 'all' NOT NULL;--> statement-breakpoint
ALTER TABLE "rooms" ADD COLUMN "members_add" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "rooms" ADD COLUMN "receipts" boolean DEFAULT false NOT NULL;--> statement-breakpoint
ALTER TABLE "rooms" ADD COLUMN "archived_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "rooms" ADD COLUMN "deleted_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "rooms" ADD COLUMN "begins_after" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "rooms" ADD COLUMN "last_post" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
ALTER TABLE "rooms" ADD COLUMN "posted_at" timestamp with time zone;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "uid" text collate "C" DEFAULT ('u_' || translate(encode(decode(replace(gen_random_uuid()::text, '-', ''), 'hex'), 'base64'), '+/=', '-_')) NOT NULL;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "name" text;--> statement-breakpoint
ALTER TABLE "users" ADD COLUMN "picture" text;--> statement-breakpoint
CREATE INDEX "blocks_blocked" ON "blocks" USING btree ("blocked_id");--> statement-breakpoint
CREATE INDEX "invitations_room" ON "invitations" USING btree ("room_id");--> statement-breakpoint
CREATE INDEX "reports_open" ON "reports" USING btree ("room_id","id") WHERE resolved_at is null;--> statement-breakpoint
CREATE INDEX "members_in" ON "members" USING btree ("room_id","user_id") WHERE state = 'in';--> statement-breakpoint
CREATE INDEX "members_staff" ON "members" USING btree ("room_id") WHERE state = 'in' and role <> 'member';--> statement-breakpoint
CREATE INDEX "members_stamp" ON "members" USING btree ("user_id","stamp");--> statement-breakpoint
ALTER TABLE "users" ADD CONSTRAINT "users_uid" UNIQUE("uid");--> statement-breakpoint
ALTER TABLE "messages" ADD CONSTRAINT "messages_notice" CHECK (notice is null or version = id);--> statement-breakpoint
-- Nodes of older versions know nothing of private rooms. Without these columns they can neither post nor read.
ALTER TABLE "rooms" RENAME COLUMN "departures" TO "leavers";--> statement-breakpoint
ALTER TABLE "messages" RENAME COLUMN "reacted" TO "reaction_count";--> statement-breakpoint
-- The server itself.
INSERT INTO "users" ("id", "uid", "username", "username_fold", "issuer", "subject") OVERRIDING SYSTEM VALUE
	SELECT 0, 'u_system', "n"."name", "n"."name", 'parley:system', 'system'
	FROM (VALUES (1, 'parley'), (2, 'parley-server'), (3, 'parley-' || replace(gen_random_uuid()::text, '-', ''))) AS "n"("nth", "name")
	WHERE NOT EXISTS (SELECT FROM "users" "u" WHERE "u"."username_fold" = "n"."name")
	ORDER BY "n"."nth" LIMIT 1;--> statement-breakpoint
-- An outside identity is known by its subject. What could be taken for something else is escaped.
UPDATE "users" "u" SET "uid" = CASE WHEN "u"."subject" ~ '^(u_|@|mailto:|=)' OR "u"."subject" = 'me' THEN '=' || "u"."subject" ELSE "u"."subject" END
	WHERE "u"."subject" IS NOT NULL AND "u"."id" <> 0 AND NOT EXISTS (
		SELECT FROM "users" "o" WHERE "o"."subject" = "u"."subject" AND "o"."id" < "u"."id");--> statement-breakpoint
UPDATE "rooms" "r" SET "last_post" = "l"."id", "posted_at" = "l"."created_at"
	FROM "rooms" "q" CROSS JOIN LATERAL (
		SELECT "id", "created_at" FROM "messages" WHERE "room_id" = "q"."id" ORDER BY "id" DESC LIMIT 1) "l"
	WHERE "q"."id" = "r"."id";--> statement-breakpoint
-- Programs from before do not check who may enter a room. Those from now on look at this number.
INSERT INTO "meta" ("name", "value") VALUES ('generation', '2') ON CONFLICT ("name") DO UPDATE SET "value" = '2';
