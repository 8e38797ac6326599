import { expect } from "bun:test";
import { api, type Call } from "../support/api.ts";
import type { Person } from "../support/people.ts";

/** Requests that change messages, made by ada unless another person is given. */
export function callsTo(home: () => { readonly server: { readonly url: string }; readonly ada: Person }) {
  const by = (target: string, { token }: Partial<Person> = home().ada, call: Call = {}) =>
    api(home().server, target, { token, ...call });
  return {
    by,
    patch: (room: string, id: unknown, body: unknown, person = home().ada) =>
      by(`PATCH /rooms/${room}/messages/${id}/`, person, { body }),
    reaction: (room: string, id: unknown, emoji: string, query = "") =>
      `/rooms/${room}/messages/${id}/reactions/${encodeURIComponent(emoji)}/${query}`,
    async post(room: string, content = "hello", person = home().ada): Promise<number> {
      const { status, body } = await by(`POST /rooms/${room}/messages/`, person, { body: { content } });
      expect(status).toBe(201);
      return (body as { id: number }).id;
    },
  };
}

export const problem = (status: number, code: string) => ({
  status,
  body: { status, code, retryable: false },
});
