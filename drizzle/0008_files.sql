CREATE TABLE "files" (
	"id" uuid PRIMARY KEY NOT NULL,
	"room_id" bigint NOT NULL,
	"user_id" bigint NOT NULL,
	"client_id" uuid NOT NULL,
	"state" text DEFAULT 'uploading' NOT NULL,
	"message_id" bigint,
	"name" text NOT NULL,
	"size" bigint NOT NULL,
	"type" text DEFAULT '' NOT NULL,
	"hash" text DEFAULT '' NOT NULL,
	"width" integer,
	"height" integer,
	"placeholder" text,
	"variants" text DEFAULT 'original' NOT NULL,
	"at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "files" text;--> statement-breakpoint
CREATE UNIQUE INDEX "files_client" ON "files" USING btree ("room_id","user_id","client_id") WHERE state in ('ready', 'attached');--> statement-breakpoint
CREATE INDEX "files_user" ON "files" USING btree ("user_id") WHERE state <> 'doomed';--> statement-breakpoint
CREATE INDEX "files_room" ON "files" USING btree ("room_id","message_id");--> statement-breakpoint
CREATE INDEX "files_due" ON "files" USING btree ("at") WHERE state <> 'attached';--> statement-breakpoint
-- Programs from before would leave the files of a deleted message in place.
INSERT INTO "meta" ("name", "value") VALUES ('generation', '3') ON CONFLICT ("name") DO UPDATE SET "value" = '3';