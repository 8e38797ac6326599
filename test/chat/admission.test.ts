import { expect, test } from "bun:test";
import { createHub, type OpenConnection } from "../../src/chat/connection/hub.ts";
import { createAdmission } from "../../src/chat/delivery/admission.ts";
import { SOFT_LIMIT, UNSEEN_MAX } from "../../src/chat/limits.ts";

/** An admission to one socket. `checks` has the hidden bytes that each check of the socket was given. */
function stage() {
  let pressed = false;
  let hidden = 0;
  const checks: number[] = [];
  const hub = createHub(9, () => []);
  hub.add({
    identity: { userId: 1 },
    lagIfSlow: (bytes: number) => checks.push(bytes),
  } as unknown as OpenConnection);
  const { admit, publish } = createAdmission({ publish: () => pressed, hidden: () => hidden }, hub.lagSlow);
  return {
    /** Publishes if admitted. `waiting`: a subscriber has bytes waiting afterwards. */
    say(bytes: number, waiting: boolean): boolean {
      pressed = waiting;
      const admitted = admit(bytes);
      if (admitted) publish("tea", "");
      return admitted;
    },
    hide: (bytes: number) => void (hidden = bytes),
    checks,
  };
}

test("no socket is checked as long as none has bytes waiting", () => {
  const { say, checks } = stage();
  for (let number = 0; number < 100; number++) expect(say(UNSEEN_MAX, false)).toBe(true);
  expect(checks).toEqual([]);
});

test("while a socket has bytes waiting, all sockets are checked once for each UNSEEN_MAX published bytes", () => {
  const { say, checks } = stage();
  say(UNSEEN_MAX / 2, true);
  say(UNSEEN_MAX / 2, true);
  expect(checks).toEqual([]);
  expect(say(1, true)).toBe(true);
  expect(checks).toHaveLength(1);
  say(UNSEEN_MAX - 1, true);
  expect(checks).toHaveLength(1);
  say(1, true);
  expect(checks).toHaveLength(2);
});

test("bytes that a check cannot see count as published after it, and a check that cannot help is not made", () => {
  const { say, hide, checks } = stage();
  say(UNSEEN_MAX, true);
  hide(SOFT_LIMIT + UNSEEN_MAX / 2); // hidden bytes below the soft limit do no harm
  expect(say(UNSEEN_MAX / 2 + 1, true)).toBe(false);
  expect(checks).toEqual([]);
  expect(say(UNSEEN_MAX / 2, true)).toBe(true);
  expect(checks).toEqual([SOFT_LIMIT + UNSEEN_MAX / 2]);
  hide(0);
  expect(say(1, true)).toBe(true);
  expect(checks).toEqual([SOFT_LIMIT + UNSEEN_MAX / 2, 0]);
});

test("more than UNSEEN_MAX bytes are never admitted", () => {
  const { say } = stage();
  expect(say(UNSEEN_MAX + 1, false)).toBe(false);
});
