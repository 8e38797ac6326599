CREATE TABLE "threads" (
	"room_id" bigint NOT NULL,
	"root_id" bigint NOT NULL,
	"replies" integer NOT NULL,
	"last_id" bigint,
	"last_at" timestamp with time zone,
	"people" bigint[] NOT NULL,
	CONSTRAINT "threads_room_id_root_id_pk" PRIMARY KEY("room_id","root_id")
);
--> statement-breakpoint
INSERT INTO "threads" ("room_id", "root_id", "replies", "last_id", "last_at", "people")
SELECT "room_id", "thread", count(*), max("id"), max("created_at"), (array_agg(DISTINCT "sender_id"))[1:5]
FROM "messages" WHERE "thread" IS NOT NULL AND "deleted_at" IS NULL GROUP BY "room_id", "thread";
