CREATE TABLE "origins" (
	"room_id" bigint NOT NULL,
	"version" bigint NOT NULL,
	"message_id" bigint NOT NULL,
	"change" text NOT NULL,
	"api_key" bigint NOT NULL,
	"at" timestamp with time zone NOT NULL,
	CONSTRAINT "origins_room_id_version_pk" PRIMARY KEY("room_id","version")
);
--> statement-breakpoint
CREATE INDEX "origins_message" ON "origins" USING btree ("room_id","message_id");