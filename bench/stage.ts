import { type Contender, type Kind, startContender } from "./contender.ts";
import { createCrew, type Crew } from "./crew.ts";
import type { Databases } from "./database.ts";
import { ISSUER, type People, type Person } from "./people.ts";
import type { Seat } from "./load/orders.ts";

export const METRICS_TOKEN = crypto.randomUUID();

/** Everything on; limits so high that one person may do what thousands would. */
const PARLEY_ENV = {
  PUBLIC_URL: ISSUER,
  MESSAGE_RATE: "1000000",
  MESSAGE_BURST: "1000000",
  SOCKETS_PER_USER: "1000000",
  LOGIN_RATE: "1000000",
  LOG_LEVEL: "info",
  METRICS_TOKEN,
};

/** What a scenario plays with. */
export interface Stage {
  /** The small form: a taste of every figure in seconds. */
  readonly quick: boolean;
  readonly people: People;
  readonly databases: Databases;
  /** How many messages a soak is made of. */
  readonly soakMessages: number;
  /** Starts a server on a database of its own and crews beside it, and ends them all after `play`. */
  play<T>(options: PlayOptions, play: Play<T>): Promise<T>;
  /** Starts so many Parley servers on one database, with a Redis between them where there are several. */
  playNodes<T>(count: number, play: (nodes: readonly Contender[], crew: Crew) => Promise<T>): Promise<T>;
}

type Play<T> = (server: Contender, ...crews: [Crew, Crew]) => Promise<T>;

interface PlayOptions {
  readonly kind: Kind;
  /** SQL that is done to the database before. */
  readonly also?: readonly string[];
  /** Two, where what one does must not disturb what the other measures; else both are one. */
  readonly crews?: 1 | 2;
}

interface StageOptions extends Pick<Stage, "quick" | "people" | "databases" | "soakMessages"> {
  readonly loads: number;
  readonly redis: string;
  readonly binary: string | undefined;
  readonly flags: readonly string[];
}

export function createStage({ loads, redis, binary, flags, ...stage }: StageOptions): Stage {
  const { people, databases } = stage;
  const parleyEnv = { ...PARLEY_ENV, JWT_PRIVATE_KEY: people.privateKey };
  return {
    ...stage,
    async play({ kind, also, crews = 1 }, play) {
      const database =
        kind === "parley"
          ? await databases.create(also)
          : kind === "insert"
            ? await databases.createEmpty()
            : undefined;
      const env = kind === "parley" ? parleyEnv : {};
      let server: Contender | undefined;
      const crew = createCrew(loads);
      const other = crews === 2 ? createCrew(loads) : crew;
      try {
        server = await startContender({ kind, env: { ...env, ...database?.env }, binary, flags });
        return await play(server, crew, other);
      } finally {
        await crew.stop();
        if (other !== crew) await other.stop();
        await server?.stop();
        await database?.remove();
      }
    },
    async playNodes(count, play) {
      const database = await databases.create();
      const env = { ...parleyEnv, ...database.env, ...(count > 1 && { REDIS_URL: redis }) };
      const nodes: Contender[] = [];
      const crew = createCrew(loads);
      try {
        while (nodes.length < count) nodes.push(await startContender({ kind: "parley", env, binary, flags }));
        return await play(nodes, crew);
      } finally {
        await crew.stop();
        for (const node of nodes) await node.stop();
        await database.remove();
      }
    },
  };
}

/** A seat in a room; the small servers take the name for the token. */
export const seat = (kind: Kind, person: Person, room: string | null, speaks: boolean): Seat => ({
  username: person.username,
  token: kind === "parley" ? person.token : person.username,
  room,
  speaks,
});
