import { createChat as create } from "../index.ts";
import { parts } from "../parts.ts";
import * as files from "../files/files.ts";
import * as kept from "../kept/kept.ts";
import * as people from "../people/people.ts";
import * as push from "../push/push.ts";
import * as reading from "../reading/reading.ts";
import * as rooms from "../rooms/rooms.ts";
import * as search from "../search/search.ts";
import * as threads from "../threads/threads.ts";

export * from "../index.ts";

/**
 * Creates a client that has all its parts from the start, for places that cannot load code later, such as service workers.
 * @throws {ChatError} like `createChat` of the client.
 */
export const createChat: typeof create = (options) => {
  Object.assign(parts, {
    files: async () => files,
    people: async () => people,
    push: async () => push,
    reading: async () => reading,
    rooms: async () => rooms,
    search: async () => search,
    kept: async () => kept,
    threads: async () => threads,
  });
  return create(options);
};
