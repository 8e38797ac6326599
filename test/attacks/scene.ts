import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadConfig } from "../../src/config/config.ts";
import { createDataDir } from "../../src/db/template.ts";
import { until } from "../faults/condition.ts";
import { leftover } from "../faults/leftovers.ts";
import { freePort } from "../support/port.ts";
import { createServer } from "../faults/server.ts";
import { cachedTemplate } from "../support/template.ts";
import { type Bystander, createBystander, type Felt, loginAfter } from "./bystander.ts";
import { registered } from "./people.ts";
import { createSeries } from "./series.ts";
import { stock } from "./stock.ts";
import type { Attack, Person, Target } from "./target.ts";
import { BREACH } from "./tools.ts";

const BYSTANDERS = 8;
const SECONDS = { short: { quiet: 3, attack: 1.5 }, full: { quiet: 15, attack: 15 } } as const;
/** The bars: an attack may cost a bystander this much of an ack's p99, as a multiple and in milliseconds. */
const TIMES_QUIET = 5;
const ACK_MOST_MS = 1_000;
/**
 * Below this an ack is quick enough, whatever the quiet server needs: the attackers use the same cores. In the short form a
 * p99 is the second worst of a hundred acks, so that one pause of the machine may decide it.
 */
const QUICK_MS = { short: 250, full: 50 } as const;
/** Memory counts as returned within this much of what it was, in MiB. */
const RETURNED_MIB = 128;
const RECOVERY_MS = 60_000;
const ROOM = "square";
/** Settings at their defaults, behind a proxy that names each client's address. */
const ENV = {
  TRUST_PROXY: "1",
  MESSAGE_RATE: "",
  BUDGETS: "",
  LOGIN_RATE: "",
  SOCKETS_PER_USER: "",
  LOG_LEVEL: "warn",
  // Nobody is there, which is the worst for what waits.
  SMTP_URL: "smtp://127.0.0.1:1?tls=off",
  MAIL_FROM: "chat@example.com",
  PUBLIC_URL: "https://chat.example.com",
  // Receivers of webhooks are on this machine.
  OUTBOUND_ALLOW: "127.0.0.1",
  ADMIN_TOKEN: "an operator's token of many letters".replaceAll(/[' ]/g, "-"),
} as const;

export interface Outcome {
  readonly name: string;
  readonly lines: readonly string[];
  readonly wrong: readonly string[];
  /** Whether nothing is wrong but that acks were slow. */
  readonly isOnlySlow: boolean;
}

/** A server, people who use it, and attackers that come one after another. */
export interface Scene {
  play(attack: Attack): Promise<Outcome>;
  /** Checks what the whole run left behind. */
  end(): Promise<Outcome>;
  remove(): Promise<void>;
}

interface SceneOptions {
  /** Defaults to the embedded database. */
  readonly databaseUrl: string | undefined;
  readonly full: boolean;
}

const stated = (lines: readonly (string | false)[]) => lines.filter((line) => line !== false);
const ms = (value: number) => (value < 10 ? value.toFixed(1) : String(Math.round(value)));

export async function createScene({ databaseUrl, full }: SceneOptions): Promise<Scene> {
  const folder = databaseUrl ? undefined : mkdtempSync(join(tmpdir(), "parley-attacks-data-"));
  if (folder) {
    leftover(() => rmSync(folder, { recursive: true, force: true }));
    await createDataDir(join(folder, "postgres"), await cachedTemplate());
  }
  const storage: Record<string, string> = folder ? { DATA_DIR: folder } : { DATABASE_URL: databaseUrl ?? "" };
  await stock(loadConfig(storage));
  const server = createServer(await freePort(), { ...storage, ...ENV });
  await server.start();

  const form = full ? "full" : "short";
  const seconds = SECONDS[form];
  const quick = QUICK_MS[form];
  const bystanders: Bystander[] = [];
  for (let index = 0; index < BYSTANDERS; index++) {
    const address = `198.51.100.${10 + index}`;
    const person = await registered(server.url, address);
    const first = loginAfter(index, BYSTANDERS);
    bystanders.push(createBystander({ url: server.url, person, address, room: ROOM, loginAfter: first }));
  }
  await Promise.all(bystanders.map(({ joined }) => joined));

  /** What all bystanders felt since the last call. */
  const felt = (): Felt => {
    const sum: Felt = {
      acks: createSeries(),
      reads: createSeries(),
      logins: createSeries(),
      refused: new Map(),
    };
    for (const bystander of bystanders) {
      const { acks, reads, logins, refused } = bystander.turn();
      sum.acks.join(acks);
      sum.reads.join(reads);
      sum.logins.join(logins);
      for (const [code, times] of refused) sum.refused.set(code, (sum.refused.get(code) ?? 0) + times);
    }
    return sum;
  };
  const waiting = () => Math.max(...bystanders.map((bystander) => bystander.waiting()));
  const lag = () => server.metric("nodejs_eventloop_lag_max_seconds").then((value) => value * 1000);

  felt();
  await Bun.sleep(seconds.quiet * 1000);
  const quiet = felt();
  const quietP99 = quiet.acks.at(0.99);
  let parties = 0;

  /** Two people from one network that nobody else uses. */
  async function attackers(): Promise<Pick<Target, "people" | "address">> {
    const address = `203.0.113.${++parties}`;
    const people: [Person, ...Person[]] = [
      await registered(server.url, address),
      await registered(server.url, address),
    ];
    return { people, address };
  }

  async function play({ name }: Attack): Promise<Outcome> {
    const target: Target = {
      port: server.port,
      room: ROOM,
      operator: ENV.ADMIN_TOKEN,
      ...(await attackers()),
    };
    const before = server.memory();
    felt();
    await lag(); // the largest lag is that since the last scrape
    const child = Bun.spawn(
      [
        "nice",
        "-n",
        "19",
        process.execPath,
        join(import.meta.dir, "attacker.ts"),
        name,
        String(seconds.attack),
        JSON.stringify(target),
      ],
      { stdout: "pipe", stderr: "inherit", stdin: "ignore" },
    );
    const forget = leftover(() => child.kill("SIGKILL"));
    const printed = new Response(child.stdout).text();
    let peak = before;
    let longest = 0;
    const watch = setInterval(() => {
      peak = Math.max(peak, server.memory());
      longest = Math.max(longest, waiting());
    }, 50);
    await child.exited;
    forget();
    const during = felt();
    const worstLag = await lag();
    const ended = performance.now();
    const returned = () => server.memory() <= before + RETURNED_MIB && waiting() < quick;
    const recovered = await until("the server is as before", RECOVERY_MS, returned).then(
      () => true,
      () => false,
    );
    clearInterval(watch);
    const after = felt();
    longest = Math.max(longest, during.acks.longest, after.acks.longest);

    const p99 = during.acks.at(0.99);
    const refusals = [...during.refused, ...after.refused].map(([code, times]) => `${code} ×${times}`);
    const tally = JSON.parse((await printed) || "{}") as Record<string, number>;
    const breaches = Object.keys(tally).filter((what) => what.startsWith(BREACH));
    const attempts = Object.entries(tally)
      .toSorted(([, a], [, b]) => b - a)
      .slice(0, 8)
      .map(([what, times]) => `${what} ×${times}`);
    const lines = [
      `ack p50 ${ms(during.acks.at(0.5))} ms (quiet ${ms(quiet.acks.at(0.5))}), p99 ${ms(p99)} (${ms(quietP99)}), longest ${ms(longest)}; ` +
        `read p99 ${ms(during.reads.at(0.99))} (${ms(quiet.reads.at(0.99))}), login longest ${ms(during.logins.longest)} (${ms(quiet.logins.longest)})`,
      `memory ${Math.round(before)}, ${Math.round(peak)} at most, ${Math.round(server.memory())} MiB after; event-loop lag ${ms(worstLag)} ms at most; ` +
        `as before after ${((performance.now() - ended) / 1000).toFixed(1)} s`,
      `the attackers: ${attempts.join(", ") || "nothing"}`,
    ];
    const slow = stated([
      p99 > Math.max(quick, TIMES_QUIET * quietP99) &&
        `ack p99 is ${(p99 / quietP99).toFixed(1)} times the quiet one`,
      longest > ACK_MOST_MS && `an ack took ${ms(longest)} ms`,
    ]);
    const wrong = stated([
      during.acks.count === 0 && "no message of a bystander was acknowledged",
      refusals.length > 0 && `bystanders were refused: ${refusals.join(", ")}`,
      !recovered && `the server was not as before within ${RECOVERY_MS / 1000} s`,
      attempts.length === 0 && "the attackers did nothing",
      ...breaches,
    ]);
    return { name, lines, wrong: [...slow, ...wrong], isOnlySlow: slow.length > 0 && wrong.length === 0 };
  }

  return {
    play,
    async end() {
      const faults = server.events.get("fault") ?? 0;
      const events = [...server.events].map(([event, times]) => `${event} ×${times}`);
      for (const bystander of bystanders) bystander.stop();
      const { code } = await server.stop();
      const wrong = stated([
        faults > 0 && `the server logged ${faults} faults`,
        code !== 0 && `the server exited with code ${code}`,
        ...server.alarms.slice(0, 5),
      ]);
      const name = "what the server logged";
      return { name, lines: [events.join(", ") || "nothing"], wrong, isOnlySlow: false };
    },
    async remove() {
      for (const bystander of bystanders) bystander.stop();
      await server.kill();
      if (folder) rmSync(folder, { recursive: true, force: true });
    },
  };
}
