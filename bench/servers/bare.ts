import { serveTopics } from "./topics.ts";

// The ceiling: everything in memory, without guarantees.

const versions = new Map<string, number>();

serveTopics({
  port: Number(process.argv[2]),
  version: (room) => versions.get(room) ?? 0,
  post(message, done) {
    const id = (versions.get(message.room) ?? 0) + 1;
    versions.set(message.room, id);
    done({ ...message, id, timestamp: new Date().toISOString() });
  },
});
