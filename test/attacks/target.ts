/** A person with an account on the server under attack. */
export interface Person {
  readonly email: string;
  readonly password: string;
  readonly token: string;
  readonly refresh: string;
}

/** What an attacker knows of the server. Everything crosses to the attacker's process as JSON. */
export interface Target {
  readonly port: number;
  /** The attackers' accounts. Most attacks use only the first. */
  readonly people: readonly [Person, ...Person[]];
  /** The network address from which the attacker comes, as a proxy reports it. */
  readonly address: string;
  /** The room in which the bystander talks. */
  readonly room: string;
  /** An operator's token. */
  readonly operator: string;
}

/** Rooms that exist before the attacks: see stock.ts. */
export const ROOMS = {
  /** 1,000 messages of 4,000 emoji. */
  heavy: "heavy",
  /** 20,000 short messages. */
  long: "long",
  /** Many rooms have this prefix. */
  crowd: "crowd-",
  crowds: 3_000,
  /** Messages with 950 reactions each. */
  popular: "popular",
  populars: 10,
  /** Ten thousand members and one message. */
  crowded: "crowded",
  members: 10_000,
} as const;

/** What an attacker did and how the server responded, by outcome. */
export class Tally {
  readonly counts = new Map<string, number>();
  count(what: string, times = 1): void {
    this.counts.set(what, (this.counts.get(what) ?? 0) + times);
  }
}

/** What an attack works with. */
export interface Means {
  readonly target: Target;
  readonly tally: Tally;
  /** Aborts when the attack is over. */
  readonly over: AbortSignal;
}

export interface Attack {
  /** What is attacked and how, in a few words. */
  readonly name: string;
  /** Acks are slower during it than the bar allows, and nobody has changed that yet: only `--full` or its name plays it. */
  readonly missesBar?: true;
  /** It aims at the database: the short form plays it on each driver, and other attacks on one of the two. */
  readonly database?: boolean;
  /** Runs until `over` aborts. It may return earlier if it has done all it wants. */
  play(means: Means): Promise<void>;
  /** Removes afterwards what would go on by itself. */
  end?(means: Means): Promise<void>;
}
