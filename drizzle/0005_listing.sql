DROP INDEX "members_stamp";--> statement-breakpoint
DROP INDEX "rooms_listed";--> statement-breakpoint
CREATE INDEX "members_stamp" ON "members" USING btree ("stamp");--> statement-breakpoint
CREATE INDEX "rooms_listed" ON "rooms" USING btree ("name") WHERE posted and kind = 'open' and deleted_at is null;