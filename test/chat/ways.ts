import { decodeJwt } from "jose";
import { type Answer, api, type Call } from "../support/api.ts";
import { PASSWORD, type Person, register } from "../support/people.ts";

// The ways in which access to a room ends, each with the code that closes a socket on the room's URL.

export const ADMIN_TOKEN = "a-token-for-the-operator";

/** Someone who is signed in twice and loses the first session. */
export interface Victim extends Person {
  readonly elsewhere: string;
}

export async function createVictim(server: { url: string }, name: string): Promise<Victim> {
  const person = await register(server, name);
  const body = { email: person.email, password: PASSWORD };
  const login = await api(server, "POST /account/login/", { body });
  return { ...person, elsewhere: (login.body as { access: string }).access };
}

export interface Way {
  readonly name: string;
  readonly code: number;
  /** It concerns the room alone: a socket on `/ws/` gets `left` with the code and stays open. */
  readonly roomOnly?: true;
  /** Ends the access, through any server of the database. */
  revoke(server: { url: string }, victim: Victim, room: string): Promise<void>;
}

const order = (target: (victim: Victim, room: string) => string): Way["revoke"] => {
  return async (server, victim, room) =>
    void (await done(server, target(victim, room), { token: ADMIN_TOKEN }));
};

async function done(server: { url: string }, target: string, call: Call): Promise<Answer> {
  const response = await api(server, target, call);
  if (response.status >= 300) throw new Error(`${target}: ${response.status} ${response.text}`);
  return response;
}

export const WAYS: readonly Way[] = [
  {
    name: "logout",
    code: 4500,
    revoke: async (server, { refresh }) =>
      void (await done(server, "POST /account/logout/", { body: { refresh } })),
  },
  {
    name: "session",
    code: 4500,
    revoke: async (server, { token, elsewhere }) =>
      void (await done(server, `DELETE /account/sessions/${decodeJwt(token).sid}/`, { token: elsewhere })),
  },
  {
    name: "password",
    code: 4500,
    revoke: async (server, { elsewhere: token }) => {
      const body = { password: PASSWORD, new: "battery staple", new2: "battery staple" };
      await done(server, "POST /account/password/", { token, body });
    },
  },
  {
    name: "sessions",
    code: 4500,
    revoke: order(({ username }) => `DELETE /admin/users/${username}/sessions/`),
  },
  {
    name: "deleted",
    code: 4502,
    revoke: async (server, { elsewhere: token }) =>
      void (await done(server, "DELETE /account/me/", { token })),
  },
  { name: "disabled", code: 4502, revoke: order(({ email }) => `POST /admin/users/${email}/disable/`) },
  {
    name: "left",
    code: 4505,
    roomOnly: true,
    revoke: async (server, { elsewhere: token }, room) =>
      void (await done(server, `DELETE /rooms/${room}/members/me/`, { token })),
  },
  {
    name: "banned",
    code: 4503,
    roomOnly: true,
    revoke: order(({ username }, room) => `PUT /admin/rooms/${room}/bans/${username}/`),
  },
];
