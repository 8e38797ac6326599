CREATE TABLE "push_devices" (
	"id" text collate "C" PRIMARY KEY NOT NULL,
	"user_id" bigint NOT NULL,
	"session_id" uuid,
	"endpoint" text NOT NULL,
	"p256dh" text NOT NULL,
	"auth" text NOT NULL,
	"grants" text,
	"page" text DEFAULT '' NOT NULL,
	"user_agent" text DEFAULT '' NOT NULL,
	"created_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"used_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "pushes" (
	"device_id" text collate "C" NOT NULL,
	"room_id" bigint NOT NULL,
	"message_id" bigint NOT NULL,
	"shown_id" bigint DEFAULT 0 NOT NULL,
	"wanted_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"pushed_at" timestamp with time zone,
	"due_at" timestamp with time zone NOT NULL,
	"lease" uuid,
	"failures" integer DEFAULT 0 NOT NULL,
	CONSTRAINT "pushes_device_id_room_id_pk" PRIMARY KEY("device_id","room_id")
);
--> statement-breakpoint
CREATE TABLE "quiet_hours" (
	"user_id" bigint PRIMARY KEY NOT NULL,
	"begins" smallint NOT NULL,
	"ends" smallint NOT NULL,
	"zone" text NOT NULL
);
--> statement-breakpoint
CREATE INDEX "push_devices_user" ON "push_devices" USING btree ("user_id","used_at");--> statement-breakpoint
CREATE INDEX "push_devices_session" ON "push_devices" USING btree ("session_id");--> statement-breakpoint
CREATE INDEX "pushes_due" ON "pushes" USING btree ("due_at");--> statement-breakpoint
CREATE INDEX "pushes_room" ON "pushes" USING btree ("room_id");