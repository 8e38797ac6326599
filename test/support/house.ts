import { type Person, register } from "./people.ts";
import { startTestServer, type TestServer } from "./server.ts";
import { createMint, type Mint } from "./tokens.ts";

/** The time limit for servers and databases to start on a busy machine, in milliseconds. */
export const START_MS = 30_000;

/** A server with an embedded database and without rate limits, and three people who are signed in. */
export interface House {
  readonly server: TestServer;
  /** Creates tokens that the server accepts as its own. */
  readonly mint: Mint;
  readonly ada: Person;
  readonly ben: Person;
  readonly cy: Person;
}

let opened: Promise<House> | undefined;

/**
 * Returns the server that all test files without special needs share, because starting one per file takes longer than
 * the tests. Tests must use their own rooms and must not change the three people. The server ends with the process.
 */
export const house = (): Promise<House> => (opened ??= ownHouse());

/** Starts a private house for one test file, which may change the three people and must stop the server. */
export async function ownHouse(settings: Readonly<Record<string, string>> = {}): Promise<House> {
  const mint = await createMint();
  const server = await startTestServer({
    ...mint.settings,
    LOGIN_RATE: "0",
    MESSAGE_RATE: "0",
    BUDGETS: "0",
    ...settings,
  });
  const [ada, ben, cy] = await Promise.all([
    register(server, "ada"),
    register(server, "ben"),
    register(server, "cy"),
  ]);
  return { server, mint, ada, ben, cy };
}
