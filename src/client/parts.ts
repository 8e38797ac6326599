import { passing } from "./errors.ts";

/** The parts of the client that are loaded when they are first used. Each is a file of its own in the package. */
export const parts = {
  files: () => import("./files/files.ts"),
  kept: () => import("./kept/kept.ts"),
  people: () => import("./people/people.ts"),
  push: () => import("./push/push.ts"),
  reading: () => import("./reading/reading.ts"),
  rooms: () => import("./rooms/rooms.ts"),
  search: () => import("./search/search.ts"),
  threads: () => import("./threads/threads.ts"),
};

type Parts = { readonly [Name in keyof typeof parts]: Awaited<ReturnType<(typeof parts)[Name]>> };

/** Loads a part. @throws {ChatError} `not_loaded`, for example without a network or if a deploy has removed the file. */
export async function part<Name extends keyof Parts>(name: Name): Promise<Parts[Name]> {
  try {
    return (await parts[name]()) as Parts[Name];
  } catch {
    throw passing("not_loaded", `The part of the client for ${name} could not be loaded.`);
  }
}
