ALTER TABLE "api_keys" ADD COLUMN "budget" integer DEFAULT 10 NOT NULL;--> statement-breakpoint
ALTER TABLE "api_keys" ADD COLUMN "expires_at" timestamp with time zone;