// The people and rooms that the demo and the screenshots show.

const PASSWORD = "correct horse battery";

export interface Actor {
  readonly name: string;
  readonly email: string;
  readonly password: string;
  readonly token: string;
}

export interface Scene {
  readonly actors: Readonly<Record<string, Actor>>;
  /** Sends a message to a room and returns its id. */
  say(name: string, room: string, content: string, replyTo?: number): Promise<number>;
  react(name: string, room: string, id: number, emoji: string): Promise<void>;
  /** Creates a private room with these people, and returns its name. */
  create(name: string, title: string, people: readonly string[]): Promise<string>;
  /** Opens the direct conversation of two people, and returns its name. */
  direct(name: string, other: string): Promise<string>;
}

const NAMES = ["ada", "ben", "cy", "דנה", "emeka"];

/** Registers the people of the scene, or logs them in if they already exist. */
export async function createScene(url: string): Promise<Scene> {
  const post = async (path: string, body: object, token?: string, method = "POST") => {
    const response = await fetch(url + path, {
      method,
      headers: { "content-type": "application/json", ...(token && { authorization: `Bearer ${token}` }) },
      body: JSON.stringify(body),
    });
    return { status: response.status, result: (await response.json()) as Record<string, unknown> };
  };

  const enter = async (username: string, at: number): Promise<Actor> => {
    const login = { email: `${at === 3 ? "dana" : username}@example.com`, password: PASSWORD };
    const { status, result } = await post("/account/reg/", { ...login, password2: PASSWORD, username });
    const { access } = status === 201 ? result : (await post("/account/login/", login)).result;
    return { ...login, name: username, token: String(access) };
  };
  const people = await Promise.all(NAMES.map(enter));
  const actors = Object.fromEntries(people.map((actor) => [actor.name, actor]));
  const tokenOf = (name: string) => actors[name]?.token ?? "";

  return {
    actors,
    async say(name, room, content, replyTo) {
      const path = `/rooms/${encodeURIComponent(room)}/messages/`;
      const { result } = await post(path, { content, ...(replyTo && { replyTo }) }, tokenOf(name));
      return Number(result.id);
    },
    async react(name, room, id, emoji) {
      const path = `/rooms/${encodeURIComponent(room)}/messages/${id}/reactions/${encodeURIComponent(emoji)}/`;
      await post(path, {}, tokenOf(name), "PUT");
    },
    async create(name, title, people) {
      const body = { title, people: people.map((person) => `@${person}`), clientId: crypto.randomUUID() };
      return String((await post("/rooms/", body, tokenOf(name))).result.room);
    },
    async direct(name, other) {
      return String((await post("/direct/", { people: [`@${other}`] }, tokenOf(name), "PUT")).result.room);
    },
  };
}

/** Sends the messages and reactions of the scene. */
export async function playScene({ say, react, create, direct }: Scene): Promise<void> {
  await say("ada", "kitchen", "Has anyone seen the large pan?");
  await say("ada", "release", "Who writes the notes for 0.2?");
  await say("ada", "football", "I am in for Thursday");
  await say("ada", "עברית", "שלום");
  const garden = await create("ada", "Garden project", ["ben", "דנה"]);
  await say("ada", garden, "Here we can plan without the whole office");
  await say("ben", garden, "Good. I have a list of seeds, and a neighbour with a wheelbarrow.");
  const talk = await direct("emeka", "ada");
  await say("emeka", talk, "Could you look at the notes before the others do?");
  await say("ben", "kitchen", "There is bread on the table, help yourselves");
  await say("cy", "kitchen", "The good one? On my way");
  await say("emeka", "release", "Notes for 0.2 are up: https://example.com/notes/0.2?draft=1");
  await say("ben", "release", "Read them. The part on upgrades could use an example.");
  await say("emeka", "release", "Will do before lunch.");
  await say("cy", "football", "Seven of us on Thursday, one more and we can play four against four");
  await say("דנה", "עברית", "בוקר טוב לכולם! מי מגיע היום למשרד?");
  await say("ada", "lobby", "Good morning");
  await say("ada", "lobby", "The new room for the garden project is open, see https://example.com/garden.");
  const plan = await say(
    "ben",
    "lobby",
    "Morning! Shall we go through the plan before ten?\nI have three things:\n– seeds\n– water\n– who has the key",
  );
  await react("ada", "lobby", plan, "👍");
  await react("cy", "lobby", plan, "👍");
  await react("emeka", "lobby", plan, "☕");
  await say("cy", "lobby", "The key is with me until Friday.", plan);
  await say("דנה", "lobby", "אני אביא את הזרעים, יש לי עוד מהשנה שעברה");
  await say("emeka", "lobby", "I can do water on Saturdays.");
  await say("emeka", "lobby", "And Sundays, if somebody lends me a bicycle.");
  const photo = await say("ada", "lobby", "🌱🌻");
  await react("ben", "lobby", photo, "❤️");
}
