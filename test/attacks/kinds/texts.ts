import type { Attack } from "../target.ts";
import { ask, flood, repeat, uuid } from "../tools.ts";

/** Worst cases for Unicode normalisation, folding, segmentation and backtracking. Each is near 60 KB. */
const WORST = [
  `a${"\u0301".repeat(15_900)}${"\u0323".repeat(15_900)}`,
  "\u{1F468}\u200D".repeat(9_000),
  `http://a${")".repeat(59_000)}`,
  "@".repeat(60_000),
  " ".repeat(60_000),
  "%F0%9F%98%80".repeat(5_000),
  "\u1100\u1161\u11A8".repeat(6_000),
] as const;
const worst = (round: number) => WORST[round % WORST.length] ?? "";

export const texts: readonly Attack[] = [
  {
    name: "long texts in every field of the account routes",
    play: (means) =>
      repeat(means, 4, async (lane, round) => {
        const text = worst(round);
        const paths = ["login", "reg", "password", "refresh", "logout"];
        const fields = {
          email: text,
          username: text,
          password: text,
          password2: text,
          refresh: text,
          next: text,
        };
        await ask(means, `/account/${paths[lane % paths.length]}/`, {
          body: fields,
          person: means.target.people[0],
        });
      }),
  },
  {
    name: "long texts in commands on a socket",
    play: (means) =>
      flood(means, 2, (index) => {
        const text = worst(index);
        const types = ["join", "leave", "send", "react", "edit", "auth", "read", "typing", "history", text];
        return JSON.stringify({
          type: types[index % types.length],
          ref: index,
          room: index % 2 ? text : means.target.room,
          clientId: index % 3 ? uuid() : text,
          content: text,
          emoji: text,
          token: text,
          since: text,
          id: 1,
        });
      }),
  },
  {
    name: "long paths, queries and headers",
    play: (means) =>
      repeat(means, 4, async (lane, round) => {
        const text = encodeURIComponent(worst(round).slice(0, 1500));
        const long = text.slice(0, 6_000);
        const paths = [
          `/history/${long}/`,
          `/rooms/?after=${long}&limit=1`,
          `/rooms/${long}/messages/`,
          `/docs/?${"a=1&".repeat(1500)}`,
        ];
        await ask(means, paths[lane] ?? "/", {
          person: means.target.people[0],
          headers: { "user-agent": ",".repeat(6_000), "x-forwarded-for": ",1.1.1.1".repeat(900) },
        });
      }),
  },
  {
    name: "JSON that nests deeply",
    play: (means) =>
      Promise.all([
        flood(means, 2, () => `{"type":"send","ref":1,"content":${"[".repeat(32_000)}${"]".repeat(32_000)}}`),
        flood(means, 2, (index) => {
          const data =
            index % 2
              ? `{"a":${"[".repeat(30_000)}${"]".repeat(30_000)}}`
              : `{"a":[${"0,".repeat(30_000)}0]}`;
          return `{"type":"send","ref":${index},"room":"flooded","clientId":"${uuid()}","content":"a","data":${data}}`;
        }),
        repeat(means, 2, () =>
          ask(means, "/account/login/", {
            body: "[".repeat(60_000),
            headers: { "content-type": "application/json" },
          }),
        ),
      ]).then(() => {}),
  },
  {
    name: "texts full of links and marks in the bystander's room",
    play: (means) =>
      flood(means, 1, (index) =>
        JSON.stringify({
          type: "send",
          ref: index,
          room: means.target.room,
          clientId: uuid(),
          content: worst(index).slice(0, 3_900),
        }),
      ),
  },
];
