DROP INDEX "members_stamp";--> statement-breakpoint
DROP INDEX "rooms_listed";--> statement-breakpoint
CREATE INDEX "members_stamp" ON "members" USING btree ("stamp");--> statement-breakpoint
CREATE INDEX "rooms_listed" ON "rooms" USING btree ("name") WHERE posted and kind = 'open' and deleted_at is null;--> statement-breakpoint
-- No statement can forget to show that it changed a membership.
CREATE FUNCTION "members_restamp"() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	NEW.stamp := nextval('member_stamps');
	RETURN NEW;
END $$;--> statement-breakpoint
CREATE TRIGGER "members_restamp" BEFORE UPDATE ON "members" FOR EACH ROW EXECUTE FUNCTION "members_restamp"();
