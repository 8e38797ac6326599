CREATE TABLE "journal" (
	"seq" bigint PRIMARY KEY NOT NULL,
	"room_id" bigint NOT NULL,
	"after" bigint NOT NULL,
	"upto" bigint NOT NULL
);
--> statement-breakpoint
-- What has happened so far comes first, so that "now" does not precede it.
INSERT INTO "journal" ("seq", "room_id", "after", "upto")
	SELECT row_number() OVER (ORDER BY "id"), "id", 0, "version" FROM "rooms" WHERE "version" > 0;
--> statement-breakpoint
INSERT INTO "cursors" ("consumer", "room_id", "version") SELECT 'journal', "id", "version" FROM "rooms" WHERE "version" > 0;
