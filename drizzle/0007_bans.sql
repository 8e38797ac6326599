DROP INDEX "bans_room";--> statement-breakpoint
ALTER TABLE "bans" ADD COLUMN "version" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "bans_listed" ON "bans" USING btree ("room_id","user_id");