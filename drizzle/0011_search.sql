CREATE TABLE "cursors" (
	"consumer" text collate "C" NOT NULL,
	"room_id" bigint NOT NULL,
	"version" bigint DEFAULT 0 NOT NULL,
	"lease" uuid,
	"due_at" timestamp with time zone,
	"failures" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "cursors_consumer_room_id_pk" PRIMARY KEY("consumer","room_id")
);
--> statement-breakpoint
CREATE TABLE "search" (
	"room_id" bigint NOT NULL,
	"id" bigint NOT NULL,
	"at" timestamp with time zone NOT NULL,
	"terms" "tsvector" NOT NULL,
	CONSTRAINT "search_room_id_id_pk" PRIMARY KEY("room_id","id")
);
--> statement-breakpoint
CREATE TABLE "search_blocks" (
	"room_id" bigint NOT NULL,
	"block" bigint NOT NULL,
	"oldest" timestamp with time zone NOT NULL,
	"newest" timestamp with time zone NOT NULL,
	CONSTRAINT "search_blocks_room_id_block_pk" PRIMARY KEY("room_id","block")
);
--> statement-breakpoint
CREATE INDEX "cursors_due" ON "cursors" USING btree ("consumer","due_at") WHERE due_at is not null;--> statement-breakpoint
CREATE INDEX "search_terms" ON "search" USING gin ("terms") WITH (fastupdate=false);