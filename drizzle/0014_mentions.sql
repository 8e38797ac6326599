CREATE TABLE "mentions" (
	"user_id" bigint NOT NULL,
	"room_id" bigint NOT NULL,
	"message_id" bigint NOT NULL,
	"sender_id" bigint NOT NULL,
	"thread" bigint,
	"at" timestamp with time zone NOT NULL,
	"key" uuid DEFAULT gen_random_uuid() NOT NULL,
	CONSTRAINT "mentions_user_id_room_id_message_id_pk" PRIMARY KEY("user_id","room_id","message_id")
);
--> statement-breakpoint
ALTER TABLE "changes" ADD COLUMN "unreached" text;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "mentions" smallint;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "unreached" text;--> statement-breakpoint
CREATE INDEX "mentions_thread" ON "mentions" USING btree ("user_id","room_id","message_id") WHERE thread is not null;--> statement-breakpoint
CREATE INDEX "mentions_message" ON "mentions" USING btree ("room_id","message_id");--> statement-breakpoint
CREATE INDEX "mentions_at" ON "mentions" USING btree ("user_id","at","key");--> statement-breakpoint
CREATE INDEX "mentions_everyone" ON "mentions" USING btree ("room_id","at","key") WHERE user_id = 0;--> statement-breakpoint
-- Programs from before would leave the mentions of a deleted message in place.
INSERT INTO "meta" ("name", "value") VALUES ('generation', '4') ON CONFLICT ("name") DO UPDATE SET "value" = '4';
