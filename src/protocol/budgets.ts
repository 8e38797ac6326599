/** How much of the server one person, key, network or socket may use. */
export interface Budget {
  /**
   * Who has the budget. A key has those of a person too, apart from any person's. A network is an IPv4 address or the /64 of an IPv6 address. All networks of an IPv6 /48 have ten
   * times that together.
   */
  readonly per: "person" | "key" | "socket" | "network";
  /** Units a second in the long run. */
  readonly rate: number;
  /** Units at once. */
  readonly burst: number;
  /** What is charged, as the documents show it. */
  readonly about: string;
}

const HOUR = 3600;

/**
 * All budgets. Every kind of work that someone else can ask for is charged to one of them: a command declares its cost in
 * `chat/commands/`, a route in its `operation`. They are far above what people and the client need: see OPERATIONS.md.
 */
export const BUDGETS = {
  messages: {
    per: "person",
    rate: 10,
    burst: 30,
    about:
      "Messages, edits, deletions and reactions. Each 4 KiB of the message's text, data, files and reactions count as another. Repeats and changes without effect count too.",
  },
  mentions: {
    per: "person",
    rate: 2,
    burst: 100,
    about: "People whom messages and edits mention. Mentioning everyone counts as 20.",
  },
  joins: { per: "person", rate: 10, burst: 600, about: "Joining rooms, and leaving them for good." },
  rooms: { per: "person", rate: 100 / HOUR, burst: 200, about: "Creating rooms, by joining or posting." },
  history: {
    per: "person",
    rate: 10,
    burst: 500,
    about:
      "Pages of history, of pinned and saved messages, and of what one has written. Each hundred messages of `limit` count as one page.",
  },
  replays: {
    per: "person",
    rate: 10,
    burst: 250,
    about: "Pages of up to 128 KiB of what a client has missed. Those over budget are sent later.",
  },
  marks: { per: "person", rate: 10, burst: 250, about: "Read marks." },
  typing: { per: "person", rate: 5, burst: 100, about: "Typing." },
  tokens: { per: "person", rate: 3, burst: 100, about: "New tokens on open sockets (`auth`)." },
  sockets: { per: "person", rate: 1, burst: 150, about: "Opening sockets. A flood counts as 30." },
  frames: {
    per: "socket",
    rate: 100,
    burst: 1000,
    about:
      "Frames, pings of WebSocket included. Each 2 KiB count as another, and a frame that the server cannot read as ten. Frames paid from `messages` are free.",
  },
  traffic: { per: "person", rate: 400, burst: 4000, about: "The same, over all sockets of a person." },
  lists: {
    per: "person",
    rate: 2,
    burst: 200,
    about: "Lists of rooms. Each fifty rooms of `limit` count as one.",
  },
  searches: { per: "person", rate: 1, burst: 60, about: "Searching." },
  uploads: {
    per: "person",
    rate: 0.5,
    burst: 300,
    about: "Uploading files. Each MiB that arrives counts as another.",
  },
  downloads: { per: "network", rate: 50, burst: 2000, about: "Loading files by their addresses." },
  reports: { per: "person", rate: 30 / HOUR, burst: 30, about: "Reporting messages." },
  invitations: {
    per: "person",
    rate: 100 / HOUR,
    burst: 100,
    about: "Creating links to rooms, and using links.",
  },
  guesses: {
    per: "network",
    rate: 0.5,
    burst: 200,
    about: "Trying links to rooms that do not work.",
  },
  requests: { per: "person", rate: 20, burst: 300, about: "All other HTTP requests with a token." },
  visits: {
    per: "network",
    rate: 20,
    burst: 400,
    about: "HTTP requests and handshakes without a valid token. A wrong token counts as two.",
  },
  mails: {
    per: "network",
    rate: 60 / HOUR,
    burst: 60,
    about: "Requests that have a mail sent.",
  },
  admin: { per: "key", rate: 50, burst: 1000, about: "Requests that only keys can make." },
} as const satisfies Record<string, Budget>;

export type BudgetName = keyof typeof BUDGETS;
export const BUDGET_NAMES = Object.keys(BUDGETS) as BudgetName[];

export type PersonBudget = {
  [N in BudgetName]: (typeof BUDGETS)[N]["per"] extends "person" ? N : never;
}[BudgetName];
/** Those that several nodes count together: all but those of a single socket. */
export type SharedBudget = {
  [N in BudgetName]: (typeof BUDGETS)[N]["per"] extends "socket" ? never : N;
}[BudgetName];
export type SocketBudget = Exclude<BudgetName, SharedBudget>;
