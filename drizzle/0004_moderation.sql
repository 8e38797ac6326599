DROP INDEX "reports_open";--> statement-breakpoint
ALTER TABLE "reports" DROP COLUMN "id";--> statement-breakpoint
ALTER TABLE "reports" ADD COLUMN "id" uuid PRIMARY KEY DEFAULT gen_random_uuid() NOT NULL;--> statement-breakpoint
ALTER TABLE "rooms" ADD COLUMN "cleared" bigint DEFAULT 0 NOT NULL;--> statement-breakpoint
CREATE INDEX "reports_at" ON "reports" USING btree ("at","id");--> statement-breakpoint
CREATE INDEX "reports_resolved" ON "reports" USING btree ("resolved_at") WHERE resolved_at is not null;--> statement-breakpoint
CREATE INDEX "rooms_clearing" ON "rooms" USING btree ("id") WHERE cleared < begins_after;--> statement-breakpoint
CREATE INDEX "reports_open" ON "reports" USING btree ("room_id","at","id") WHERE resolved_at is null;