CREATE TABLE "hook_attempts" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "hook_attempts_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"hook" uuid NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"webhook" text NOT NULL,
	"room" text,
	"after" bigint,
	"upto" bigint,
	"changes" integer NOT NULL,
	"status" integer,
	"error" text,
	"ms" integer NOT NULL
);
--> statement-breakpoint
CREATE TABLE "hooks" (
	"id" uuid PRIMARY KEY NOT NULL,
	"name" text NOT NULL,
	"url" text NOT NULL,
	"rooms" text NOT NULL,
	"changes" text NOT NULL,
	"mentions" text,
	"secret" text NOT NULL,
	"old_secret" text,
	"old_until" timestamp with time zone,
	"state" text DEFAULT 'on' NOT NULL,
	"reason" text,
	"state_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"created_by" text NOT NULL,
	"deleted_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "incoming_hooks" (
	"id" uuid PRIMARY KEY NOT NULL,
	"hash" text collate "C" NOT NULL,
	"room" text collate "C" NOT NULL,
	"user_id" bigint NOT NULL,
	"name" text NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"created_by" text NOT NULL,
	"used_at" timestamp with time zone,
	"revoked_at" timestamp with time zone,
	CONSTRAINT "incoming_hooks_hash" UNIQUE("hash")
);
--> statement-breakpoint
ALTER TABLE "cursors" ADD COLUMN "upto" bigint;--> statement-breakpoint
ALTER TABLE "cursors" ADD COLUMN "failed_at" timestamp with time zone;--> statement-breakpoint
CREATE INDEX "hook_attempts_hook" ON "hook_attempts" USING btree ("hook","id");--> statement-breakpoint
CREATE INDEX "incoming_hooks_room" ON "incoming_hooks" USING btree ("room") WHERE revoked_at is null;