import type { Contender } from "../contender.ts";
import type { Scenario } from "../scenario.ts";
import { seat } from "../stage.ts";
import { latencies, openSockets } from "../traffic.ts";

const LOGINS = 40;
const ROOMS = 20;
const PER_ROOM = 10;
const PASSWORD = "correct horse battery";

/**
 * Whether logins, whose password hashes are slow by design, delay messages. The bare server has no logins: meanwhile
 * another process verifies as many passwords, which shows the share of the delay that is due to the machine's cores.
 */
export const logins: Scenario = {
  name: "logins",
  does: `${LOGINS} people log in at once while ${ROOMS} rooms of ${PER_ROOM} send 1,000 messages per second.`,
  kinds: ["parley", "bare"],
  sockets: ROOMS * PER_ROOM,
  bars: [
    {
      what: "delivery p99 during a second crowd of logins, above that before it",
      unit: "ms",
      value: ({ parley }) => (parley.p99During ?? NaN) - (parley.p99Before ?? NaN),
      atMost: 10,
    },
  ],
  async measure(stage, kind) {
    const hash = await Bun.password.hash(PASSWORD, {
      algorithm: "argon2id",
      memoryCost: 19 * 1024,
      timeCost: 2,
    });
    const also = [
      `update users set email = username || '@example.com', password_hash = '${hash}' where id <= ${LOGINS}`,
    ];
    return stage.play({ kind, also }, async (server, crew) => {
      const people = await stage.people.first(ROOMS * PER_ROOM);
      const seats = people.map((person, at) => seat(kind, person, `room-${at % ROOMS}`, true));
      await openSockets(crew, server, "v1", seats);
      await crew.all({ do: "talk", pace: { perSecond: 1000 } });
      await Bun.sleep(stage.quick ? 500 : 10_000);
      const statuses: number[] = [];
      /** Measures latencies while everyone logs in, and in the seconds before. */
      const crowd = async () => {
        await crew.mark();
        await Bun.sleep(stage.quick ? 500 : 5000);
        const before = latencies(await crew.mark());
        const begun = performance.now();
        statuses.push(
          ...(kind === "bare"
            ? await compareElsewhere(hash)
            : await Promise.all(people.slice(0, LOGINS).map(({ username }) => login(server, username)))),
        );
        const took = performance.now() - begun;
        return { before, during: latencies(await crew.mark()), took };
      };
      const first = await crowd(); // the first logins since the server started
      const { before, during, took } = await crowd();
      const refused = statuses.filter((status) => status !== 200);
      return {
        figures: {
          p99FirstBefore: first.before.p99,
          p99FirstDuring: first.during.p99,
          p50Before: before.p50,
          p99Before: before.p99,
          p50During: during.p50,
          p99During: during.p99,
          loginsS: took / 1000,
        },
        problems: [
          ...(await crew.settle()),
          ...(refused.length > 0 ? [`${refused.length} logins failed with status ${refused[0]}`] : []),
        ],
      };
    });
  },
};

/** Verifies as many passwords in this process, in sequence, as the server does on two cores. */
async function compareElsewhere(hash: string): Promise<number[]> {
  const statuses: number[] = [];
  for (let count = 0; count < LOGINS; count++)
    statuses.push((await Bun.password.verify(PASSWORD, hash)) ? 200 : 401);
  return statuses;
}

async function login({ port }: Contender, username: string): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${port}/account/login/`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ email: `${username}@example.com`, password: PASSWORD }),
  });
  await response.bytes();
  return response.status;
}
