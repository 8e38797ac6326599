import { ADMIN_TOKEN } from "../chat/ways.ts";
import { api } from "../support/api.ts";
import { connect } from "../support/client.ts";
import { PASSWORD } from "../support/people.ts";
import { startTestServer } from "../support/server.ts";

export interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

/** A server and the people of the documents. Accounts and tokens are created on demand. */
export interface Stage {
  readonly url: string;
  tokensOf(name: string): Promise<Tokens>;
  /** Replaces the person's tokens by those of a response. */
  keep(name: string, tokens: Tokens): void;
  logOut(name: string): Promise<void>;
  /** The key of a backend that reads and posts in the rooms lagoon and acts as people there. */
  key(): Promise<string>;
  /** Posts messages in a room. Resolves when all are committed. */
  post(name: string, room: string, contents: readonly string[]): Promise<void>;
  /** Creates a private room with another person in it, and returns its name. */
  create(name: string, title: string, other: string): Promise<string>;
  /** Edits or deletes a message, over HTTP. */
  change(name: string, method: "PATCH" | "DELETE", room: string, id: string, body?: object): Promise<void>;
  stop(): Promise<void>;
}

/** The most messages in flight when posting many. */
const WINDOW = 100;

export async function openStage(settings: Readonly<Record<string, string>> = {}): Promise<Stage> {
  const server = await startTestServer({
    ...{ ADMIN_TOKEN, PUSH_SUBJECT: "mailto:ops@example.com" },
    ...settings,
  });
  const known = new Map<string, Tokens>();

  async function signIn(name: string): Promise<Tokens> {
    const email = `${name}@example.com`;
    const login = await api(server, "POST /account/login/", { body: { email, password: PASSWORD } });
    if (login.status === 200) return login.body as Tokens;
    const body = { email, password: PASSWORD, password2: PASSWORD };
    return (await api(server, "POST /account/reg/", { body })).body as Tokens;
  }

  async function tokensOf(name: string): Promise<Tokens> {
    const tokens = known.get(name) ?? (await signIn(name));
    known.set(name, tokens);
    return tokens;
  }

  return {
    url: server.url,
    tokensOf,
    keep: (name, { access, refresh }) => void known.set(name, { access, refresh }),
    async key() {
      const scopes = ["rooms:read:lagoon", "rooms:post:lagoon", "as"];
      const body = { name: `backend-${crypto.randomUUID()}`, scopes };
      const made = await api(server, "POST /api-keys/", { token: ADMIN_TOKEN, body });
      return (made.body as { token: string }).token;
    },
    async logOut(name) {
      const { refresh } = await tokensOf(name);
      known.delete(name);
      await api(server, "POST /account/logout/", { body: { refresh } });
    },
    async create(name, title, other) {
      const { access: token } = await tokensOf(name);
      const body = { title, people: [`@${other}`] };
      return ((await api(server, "POST /rooms/", { token, body })).body as { room: string }).room;
    },
    async post(name, room, contents) {
      const { access: token } = await tokensOf(name);
      const client = await connect(server, { token });
      const left = contents.values();
      const posting = async () => {
        for (const content of left) {
          const reply = await client.ask({ type: "send", room, clientId: crypto.randomUUID(), content });
          if (reply.type !== "ok") throw new Error(`${name} could not post: ${JSON.stringify(reply)}`);
        }
      };
      await Promise.all(Array.from({ length: WINDOW }, posting));
      client.close();
    },
    async change(name, method, room, id, body) {
      const { access: token } = await tokensOf(name);
      const { status, text } = await api(server, `${method} /rooms/${room}/messages/${id}/`, { token, body });
      if (status !== 200) throw new Error(`${name} could not change it: ${status} ${text}`);
    },
    stop: server.stop,
  };
}
