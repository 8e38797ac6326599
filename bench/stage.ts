import { type Contender, type Kind, startContender } from "./contender.ts";
import { createCrew, type Crew } from "./crew.ts";
import type { Databases } from "./database.ts";
import { ISSUER, type People, type Person } from "./people.ts";
import type { Seat } from "./load/orders.ts";

export const METRICS_TOKEN = crypto.randomUUID();
export const ADMIN_TOKEN = crypto.randomUUID();

/** Every feature is on. The limits are high enough for one person to send what thousands would. */
const PARLEY_ENV = {
  PUBLIC_URL: ISSUER,
  MESSAGE_RATE: "1000000",
  MESSAGE_BURST: "1000000",
  BUDGETS: "0",
  SOCKETS_PER_USER: "1000000",
  LOGIN_RATE: "1000000",
  LOG_LEVEL: "info",
  METRICS_TOKEN,
  ADMIN_TOKEN,
};

/** What a scenario runs on: servers, load processes and people. */
export interface Stage {
  /** Whether to run the small form, which takes seconds. */
  readonly quick: boolean;
  /** Whether to show where the time of a message goes. */
  readonly trace: boolean;
  readonly people: People;
  readonly databases: Databases;
  /** Number of messages in the soak scenario. */
  readonly soakMessages: number;
  /** Starts a server on its own database, and the load processes. Stops them all after `play`. */
  play<T>(options: PlayOptions, play: Play<T>): Promise<T>;
  /** Starts `count` Parley servers on one database, connected through Redis if there are several. */
  playNodes<T>(count: number, play: (nodes: readonly Contender[], crew: Crew) => Promise<T>): Promise<T>;
}

type Play<T> = (server: Contender, ...crews: [Crew, Crew]) => Promise<T>;

interface PlayOptions {
  readonly kind: Kind;
  /** SQL to run before the server starts. */
  readonly also?: readonly string[];
  /** Further settings of Parley. */
  readonly settings?: Readonly<Record<string, string>>;
  /** Pass 2 if the work of one crew must not disturb the measurements of the other. With 1, both are the same crew. */
  readonly crews?: 1 | 2;
}

interface StageOptions extends Pick<Stage, "quick" | "trace" | "people" | "databases" | "soakMessages"> {
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
    async play({ kind, also, settings, crews = 1 }, play) {
      const database =
        kind === "parley"
          ? await databases.create(also)
          : kind === "insert"
            ? await databases.createEmpty()
            : undefined;
      const env = kind === "parley" ? { ...parleyEnv, ...settings } : {};
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

/** Returns a seat in a room. The small servers use the token as the username. */
export const seat = (kind: Kind, person: Person, room: string | null, speaks: boolean): Seat => ({
  username: person.username,
  token: kind === "parley" ? person.token : person.username,
  room,
  speaks,
});
