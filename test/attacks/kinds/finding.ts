import { type Attack, type Means, ROOMS } from "../target.ts";
import { ask, breach, flood, pause, repeat, uuid } from "../tools.ts";

const first = ({ target: { people } }: Means) => people[0];
const second = ({ target: { people } }: Means) => people[1] ?? people[0];

/** Queries that find most, or that compare most before they find nothing. */
const COSTLY: readonly string[] = [
  "a",
  "from:author",
  "from:author before:2999-01-01 after:1970-01-01",
  '"a message of some forty characters" "characters, more or less"',
  '"some message" "or more"',
  "😀 😀 😀 😀 😀 😀 😀 😀",
  `"${"😀".repeat(100)}"`,
  "日",
  "has:link has:file",
  "nothing-like-this",
  `${"ﷺ".repeat(200)}`,
];

interface Hidden {
  /** A private room that only the first attacker is in. */
  readonly secret: string;
  /** A room in which the second one sees only what came after they were added. */
  readonly late: string;
  /** A word that is nowhere else. */
  readonly word: string;
}

/** Creates what the second attacker may not see: in each room, message 2 mentions them, is pinned and has a reply in its thread. */
async function hide(means: Means): Promise<Hidden | undefined> {
  const [person, other] = [first(means), second(means)];
  const word = `w${uuid().replaceAll("-", "")}`;
  const me = (await (await ask(means, "/account/me/", { person: other })).json()) as { user: { id: string } };
  const made = async (body: object) => {
    const response = await ask(means, "/rooms/", { person, body: { clientId: uuid(), ...body } });
    const { room = "" } = (await response.json()) as { room?: string };
    const path = `/rooms/${encodeURIComponent(room)}`;
    const say = async (more: object) => {
      const sent = await ask(means, `${path}/messages/`, {
        person,
        body: { clientId: uuid(), content: word, ...more },
      });
      return ((await sent.json()) as { id?: number }).id;
    };
    const id = await say({ mentions: [me.user.id], everyone: true });
    if (id === undefined || (await say({ thread: id })) === undefined) return undefined;
    const pinned = await ask(means, `${path}/pins/${id}/`, { person, method: "PUT" });
    return room !== "" && pinned.ok ? { room, path, id } : undefined;
  };
  const [secret, late] = [await made({ title: "Den" }), await made({ title: "Late", history: "joined" })];
  if (!secret || !late) return undefined;
  const added = await ask(means, `${late.path}/members/${encodeURIComponent(me.user.id)}/`, {
    person,
    method: "PUT",
    body: {},
  });
  return added.ok ? { secret: secret.room, late: late.room, word } : undefined;
}

/** What somebody can do to find messages: searches, lists of what is pinned, saved and mentioned, and threads. */
export const finding: readonly Attack[] = [
  {
    name: "searches that find much, or nothing after much work",
    database: true,
    play: (means) =>
      repeat(means, 20, (lane, round) => {
        const q = encodeURIComponent(COSTLY[(lane + round) % COSTLY.length] ?? "");
        const rooms = [ROOMS.heavy, ROOMS.long, means.target.room];
        const room = lane % 4 === 3 ? "" : `&room=${rooms[lane % 4]}`;
        const person = means.target.people[round % means.target.people.length];
        return ask(means, `/search/?q=${q}&limit=50${room}`, { person }).then((found) => found.bytes());
      }),
  },
  {
    name: "messages saved, listed and let go without end",
    database: true,
    play: (means) =>
      repeat(means, 20, async (lane, round) => {
        const person = first(means);
        const path = `/rooms/${lane % 2 ? ROOMS.heavy : ROOMS.long}/messages/${1 + ((20 * round + lane) % 900)}/saved/`;
        if (lane % 4 === 0) return void (await (await ask(means, "/saved/?limit=100", { person })).bytes());
        await ask(means, path, { person, method: round % 8 === 7 ? "DELETE" : "PUT" });
      }),
  },
  {
    name: "pins listed and set without end",
    play: (means) =>
      repeat(means, 20, async (lane, round) => {
        const person = first(means);
        const path = `/rooms/${means.target.room}/pins/`;
        if (lane % 2) return void (await (await ask(means, path, { person })).bytes());
        await ask(means, `${path}${1 + (round % 50)}/`, { person, method: round % 2 ? "PUT" : "DELETE" });
      }),
  },
  {
    name: "replies in threads of the bystander's room without end",
    database: true,
    play: (means) =>
      flood(means, 10, (index) =>
        JSON.stringify({
          type: "send",
          ref: index,
          room: means.target.room,
          clientId: uuid(),
          content: "a reply",
          thread: 1 + (index % 5),
          alsoRoom: index % 3 === 0,
        }),
      ),
  },
  {
    name: "threads followed, read and listed without end",
    database: true,
    play: (means) =>
      repeat(means, 20, async (lane, round) => {
        const person = first(means);
        if (lane % 4 === 0)
          return void (await (await ask(means, "/threads/?all&limit=100", { person })).bytes());
        const path = `/rooms/${lane % 2 ? ROOMS.long : means.target.room}/threads/${1 + ((20 * round + lane) % 2_000)}`;
        if (lane % 4 === 1) return void (await (await ask(means, `${path}/`, { person })).bytes());
        await ask(means, `${path}/me/`, {
          person,
          method: "PUT",
          body: { following: round % 2 === 0, lastRead: 1 },
        });
      }),
  },
  {
    name: "searches, mentions, pins and threads asked for what is hidden",
    async play(means) {
      const hidden = await hide(means);
      if (!hidden) return;
      const person = second(means);
      const path = (room: string) => `/rooms/${encodeURIComponent(room)}`;
      const nowhere = `~${uuid()
        .replaceAll(/[-0189]/g, "")
        .padEnd(26, "x")
        .slice(0, 26)}`;
      /** Fails the run if a response has the word, or says more of a hidden room than of one that never was. */
      const same = async (
        name: string,
        hiddenPath: string,
        nowherePath: string,
        method = "GET",
        body?: object,
      ) => {
        const more = { person, method, ...(body && { body }) };
        const [found, none] = [await ask(means, hiddenPath, more), await ask(means, nowherePath, more)];
        const [text, other] = [await found.text(), await none.text()];
        if (text.includes(hidden.word)) breach(means, `${name} show a hidden text`);
        const codeOf = (json: string) => /"code":"(\w+)"/.exec(json)?.[1];
        if (found.status !== 429 && none.status !== 429 && found.status < 500 && none.status < 500)
          if (found.status !== none.status || codeOf(text) !== codeOf(other))
            breach(means, `${name} tell a hidden room from none: ${found.status}, ${none.status}`);
      };
      const unseen = async (name: string, asked: string, method = "GET", body?: object) => {
        const response = await ask(means, asked, { person, method, ...(body && { body }) });
        const text = await response.text();
        if (text.includes(hidden.word)) breach(means, `${name} show a text from before`);
        if (method !== "GET" && response.ok) breach(means, `${name} take a message from before`);
      };
      const [secret, late] = [path(hidden.secret), path(hidden.late)];
      // A search shows its own query nowhere, so the word is in a response only with a message.
      const tries: readonly (() => Promise<void>)[] = [
        () => unseen("searches", `/search/?q=${hidden.word}`),
        () =>
          unseen("searches in the room", `/search/?q=${hidden.word}&room=${encodeURIComponent(hidden.late)}`),
        () => unseen("mentions", "/mentions/"),
        () => unseen("threads", "/threads/?all"),
        () => unseen("lists of rooms", "/rooms/"),
        () => unseen("pins", `${late}/pins/`),
        () => unseen("pages of threads", `${late}/threads/2/`),
        () => unseen("threads to follow", `${late}/threads/2/me/`, "PUT", { following: true }),
        () => unseen("saved messages", `${late}/messages/2/saved/`, "PUT"),
        () => unseen("saved messages", "/saved/"),
        ...[2, 99].flatMap((id) => [
          () => same("pages of threads", `${secret}/threads/${id}/`, `${path(nowhere)}/threads/${id}/`),
          () =>
            same(
              "threads to follow",
              `${secret}/threads/${id}/me/`,
              `${path(nowhere)}/threads/${id}/me/`,
              "PUT",
              {
                following: true,
              },
            ),
          () =>
            same(
              "saved messages",
              `${secret}/messages/${id}/saved/`,
              `${path(nowhere)}/messages/${id}/saved/`,
              "PUT",
            ),
          () => same("pins", `${secret}/pins/${id}/`, `${path(nowhere)}/pins/${id}/`, "PUT"),
        ]),
        () => same("pins", `${secret}/pins/`, `${path(nowhere)}/pins/`),
        () =>
          same(
            "searches",
            `/search/?q=${hidden.word}&room=${encodeURIComponent(hidden.secret)}`,
            `/search/?q=${hidden.word}&room=${encodeURIComponent(nowhere)}`,
          ),
        () => same("searches", `/search/?q=x+in:${hidden.secret}`, `/search/?q=x+in:${nowhere}`),
      ];
      await repeat(means, 4, async (lane, round) => {
        await tries[(lane + 4 * round) % tries.length]?.();
        means.tally.count("tries");
        await pause(means.over, 10);
      });
    },
  },
];
