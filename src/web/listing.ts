import type { Chat } from "../client/index.ts";

/** The newest message of a room, as a list shows it. */
export interface Last {
  readonly id: number;
  readonly username: string;
  readonly content: string;
  readonly timestamp: string;
}

export interface Listed {
  readonly room: string;
  readonly last: Last | undefined;
  /** 100 stands for as many or more. */
  readonly unread: number;
}

const PAGE = 200;
/** Nobody looks through more. */
const PAGES_MAX = 5;

/** The server's lists of rooms, over HTTP. */
export function createListing(chat: Chat) {
  const get = async (path: string): Promise<Response> => {
    const ask = (token: string) => fetch(path, { headers: { authorization: `Bearer ${token}` } });
    const token = await chat.token();
    const response = await ask(token);
    return response.status === 401 ? ask(await chat.token(token)) : response;
  };

  const read = async (first: string): Promise<Listed[]> => {
    const found: Listed[] = [];
    let path: string | undefined = first;
    for (let page = 0; path && page < PAGES_MAX; page++) {
      const response: Response = await get(path);
      const answer: unknown = await response.json();
      if (!response.ok || !Array.isArray(answer)) throw new Error("The rooms cannot be read.");
      for (const item of answer) found.push(...listedOf(item));
      path = /<([^>]+)>;\s*rel="next"/.exec(response.headers.get("link") ?? "")?.[1];
    }
    return found;
  };

  return {
    /** Those that one has joined or posted to. */
    mine: () => read(`/rooms/?limit=${PAGE}`),
    /** The names of all that one may enter. */
    all: async () => (await read(`/rooms/?all&limit=${PAGE}`)).map(({ room }) => room),
  };
}

function listedOf(item: unknown): Listed[] {
  const { room, last, unread } = (item ?? {}) as Record<string, unknown>;
  if (typeof room !== "string") return [];
  const count = unread === "99+" ? 100 : Number(unread) || 0;
  return [{ room, last: isLast(last) ? last : undefined, unread: count }];
}

function isLast(value: unknown): value is Last {
  const { id, username, content, timestamp } = (value ?? {}) as Record<string, unknown>;
  return typeof id === "number" && [username, content, timestamp].every((field) => typeof field === "string");
}
