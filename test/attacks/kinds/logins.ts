import type { Attack } from "../target.ts";
import { newToken } from "../../../src/auth/apikeys.ts";
import { ask, neighbour, relative, repeat, uuid } from "../tools.ts";

export const logins: readonly Attack[] = [
  {
    name: "90 correct logins at once",
    play: (means) =>
      repeat(means, 90, () => {
        const { email, password } = means.target.people[0];
        return ask(means, "/account/login/", { body: { email, password } });
      }),
  },
  {
    name: "logins of nobody, from the addresses of one network",
    play: (means) =>
      repeat(means, 60, () =>
        ask(means, "/account/login/", {
          address: neighbour(),
          body: { email: `${uuid()}@example.com`, password: "wrong horse battery" },
        }),
      ),
  },
  {
    name: "guessing one password from many networks",
    play: (means) =>
      repeat(means, 60, () => {
        const address = `203.0.${Math.floor(Math.random() * 255)}.${Math.floor(Math.random() * 255)}`;
        const { email } = means.target.people[0];
        return ask(means, "/account/login/", { address, body: { email, password: uuid() } });
      }),
  },
  {
    name: "registrations from the addresses of one network",
    play: (means) =>
      repeat(means, 40, () => {
        const password = uuid();
        const body = { email: `${uuid()}@example.com`, password, password2: password };
        return ask(means, "/account/reg/", { address: neighbour(), body });
      }),
  },
  {
    name: "resets of one password from many networks, and of many accounts",
    play: (means) =>
      repeat(means, 60, (_, round) => {
        const address = `203.0.${Math.floor(Math.random() * 255)}.${Math.floor(Math.random() * 255)}`;
        const email = round % 2 ? means.target.people[0].email : `${uuid()}@example.com`;
        return ask(means, "/account/reset/", { address, body: { email } });
      }),
  },
  {
    name: "refreshing one session again and again",
    play: async (means) => {
      let { refresh } = means.target.people[0];
      await repeat(means, 10, async () => {
        const response = await ask(means, "/account/refresh/", { body: { refresh } });
        const next = (await response.json()) as { refresh?: string };
        if (next.refresh) refresh = next.refresh;
      });
    },
  },
  {
    name: "wrong tokens",
    play: (means) => {
      const { token } = means.target.people[0];
      return repeat(means, 30, (_, round) =>
        ask(means, "/rooms/", {
          token: round % 2 ? `${token.slice(0, -6)}AAAA${round % 90}` : "x".repeat(15_000),
        }),
      );
    },
  },
  {
    name: "wrong operator tokens",
    play: (means) => repeat(means, 20, () => ask(means, "/admin/audit/", { token: uuid() })),
  },
  {
    name: "operators' keys that could be right",
    play: (means) => repeat(means, 40, () => ask(means, "/admin/audit/", { token: newToken() })),
  },
  {
    name: "wrong tokens and none from all networks of one site",
    play: (means) => {
      const { token } = means.target.people[0];
      return repeat(means, 40, (_, round) =>
        ask(means, round % 3 ? "/rooms/" : "/docs/", {
          address: relative(),
          ...(round % 3 === 1 && { token: `${token.slice(0, -6)}AAAA${round % 90}` }),
        }),
      );
    },
  },
  {
    name: "changing a password with the wrong one",
    play: (means) =>
      repeat(means, 30, () => {
        const next = uuid();
        return ask(means, "/account/password/", {
          person: means.target.people[0],
          body: { password: uuid(), new: next, new2: next },
        });
      }),
  },
  {
    name: "changing a password to itself",
    play: (means) =>
      repeat(means, 30, () => {
        const { password } = means.target.people[0];
        return ask(means, "/account/password/", {
          person: means.target.people[0],
          body: { password, new: password, new2: password },
        });
      }),
  },
];
