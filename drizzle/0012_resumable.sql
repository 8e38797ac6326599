DROP INDEX "files_client";--> statement-breakpoint
ALTER TABLE "files" ADD COLUMN "parts" text DEFAULT '' NOT NULL;--> statement-breakpoint
CREATE UNIQUE INDEX "files_receiving" ON "files" USING btree ("room_id","user_id","client_id") WHERE state = 'receiving';--> statement-breakpoint
CREATE UNIQUE INDEX "files_client" ON "files" USING btree ("room_id","user_id","client_id") WHERE state in ('held', 'ready', 'attached');