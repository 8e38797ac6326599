import { type Person, register } from "./people.ts";
import { startTestServer, type TestServer } from "./server.ts";
import { createMint, type Mint } from "./tokens.ts";

/** How long servers and databases may take to start on a machine that has much else to do, in milliseconds. */
export const START_MS = 30_000;

/** A server with an embedded database and no limits on rates, and three people who are signed in there. */
export interface House {
  readonly server: TestServer;
  /** Makes tokens that the server takes for its own. */
  readonly mint: Mint;
  readonly ada: Person;
  readonly ben: Person;
  readonly cy: Person;
}

let opened: Promise<House> | undefined;

/**
 * One server for all test files that want nothing special of theirs: starting one for each costs more than the tests.
 * A test uses rooms of its own, and leaves the three people as they are. It ends with the process.
 */
export const house = (): Promise<House> => (opened ??= ownHouse());

/** The same for one test file alone, which may do to the three what it likes; the server is to be stopped. */
export async function ownHouse(): Promise<House> {
  const mint = await createMint();
  const server = await startTestServer({ ...mint.settings, LOGIN_RATE: "0", MESSAGE_RATE: "0" });
  const [ada, ben, cy] = await Promise.all([
    register(server, "ada"),
    register(server, "ben"),
    register(server, "cy"),
  ]);
  return { server, mint, ada, ben, cy };
}
