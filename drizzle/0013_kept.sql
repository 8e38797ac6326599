CREATE TABLE "saved" (
	"id" bigint PRIMARY KEY GENERATED ALWAYS AS IDENTITY (sequence name "saved_id_seq" INCREMENT BY 1 MINVALUE 1 MAXVALUE 9223372036854775807 START WITH 1 CACHE 1),
	"user_id" bigint NOT NULL,
	"room_id" bigint NOT NULL,
	"message_id" bigint NOT NULL,
	"at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "saved_once" UNIQUE("user_id","room_id","message_id")
);
--> statement-breakpoint
CREATE TABLE "pins" (
	"room_id" bigint NOT NULL,
	"message_id" bigint NOT NULL,
	"version" bigint NOT NULL,
	CONSTRAINT "pins_room_id_message_id_pk" PRIMARY KEY("room_id","message_id")
);
--> statement-breakpoint
CREATE INDEX "saved_listed" ON "saved" USING btree ("user_id","id");