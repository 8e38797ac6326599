CREATE TABLE "thread_own" (
	"user_id" bigint NOT NULL,
	"room_id" bigint NOT NULL,
	"root_id" bigint NOT NULL,
	"following" boolean NOT NULL,
	"last_read" bigint DEFAULT 0 NOT NULL,
	"at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "thread_own_user_id_room_id_root_id_pk" PRIMARY KEY("user_id","room_id","root_id")
);
--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "thread" bigint;--> statement-breakpoint
ALTER TABLE "messages" ADD COLUMN "also_room" boolean;--> statement-breakpoint
CREATE INDEX "thread_own_recent" ON "thread_own" USING btree ("user_id","at") WHERE following;--> statement-breakpoint
CREATE INDEX "thread_own_room" ON "thread_own" USING btree ("room_id","root_id");--> statement-breakpoint
CREATE INDEX "messages_thread" ON "messages" USING btree ("room_id","thread","id","sender_id","deleted_at") WHERE thread is not null;