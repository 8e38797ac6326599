import type { Mutant } from "../support/mutants.ts";

/** Bugs in the client. */
export const CLIENT: readonly Mutant[] = [
  {
    name: "the client leaves out what changes while a page is under way",
    file: "../client/list.ts",
    from: "} else aside?.set(entry.id, entry);",
    to: "}",
  },
  {
    name: "the client takes what the feed before a join had left",
    file: "../client/feed.ts",
    from: `phase === "in" || (phase === "answered" && type === "joined"),`,
    to: `phase !== "out" || type === "",`,
  },
  {
    name: "the client gives up what the server could not do now",
    file: "../client/outbox.ts",
    from: "if (isError && reply.retryable) hold(reply);",
    to: "if (isError && reply.retryable && refusals > 9) hold(reply);",
  },
  {
    name: "the client asks for a token at each refusal",
    file: "../client/renewal.ts",
    from: "      if (covered > after) return false;\n",
    to: "      if (after < 0) return false;\n",
  },
  {
    name: "the client takes a token from before a wish for the newest one",
    file: "../client/renewal.ts",
    from: "      if (covered > after) return false;\n",
    to: "      if (covered >= after && covered > 0) return false;\n",
  },
  {
    name: "the client asks for no token after a refusal",
    file: "../client/feed.ts",
    from: "      if (reply.claim)\n",
    to: "      if (reply.claim && joins < 0)\n",
  },
  {
    name: "the client ignores warnings for 20 seconds after a renewal",
    file: "../client/renewal.ts",
    from: "    expiring: soon,\n",
    to: "    expiring: () => soon(20_000),\n",
  },
  {
    name: "the client ignores warnings after a renewal that failed",
    file: "../client/renewal.ts",
    from: "      next(error.retryable ? pauseAfter(error, failures++, random()) : Infinity);\n",
    to: "      failures++;\n",
  },
  {
    name: "the client renews tokens a minute before they expire",
    file: "../client/renewal.ts",
    from: "expiresAt - now - lifeMs / 2)",
    to: "expiresAt - now - 60_000)",
  },
  {
    name: "the client uses a refused token again",
    file: "../client/renewal.ts",
    from: "    refused: () => void (isRefused = true),\n",
    to: "    refused: () => void (isRefused = false),\n",
  },
  {
    name: "the client closes if its product gives no token",
    file: "../client/connection.ts",
    from: "        if (error.retryable) later(mine, error);\n",
    to: `        if (error.retryable && error.code !== "token_failed") later(mine, error);\n`,
  },
  {
    name: "the client drops a change if its product gives no token",
    file: "../client/renewal.ts",
    from: "        (error: unknown) => errorOf(error).retryable,\n",
    to: "        () => false,\n",
  },
  {
    name: "the client takes an error page for a token",
    file: "../client/session.ts",
    from: `if (typeof token === "string" && JWT.test(token))`,
    to: `if (typeof token === "string" && (token || JWT.test(token)))`,
  },
  {
    name: "the client waits for ever for its product",
    file: "../client/session.ts",
    from: "clock.after(TOKEN_MS, () =>",
    to: "clock.after(TOKEN_MS * 1_000, () =>",
  },
  {
    name: "the client joins again for ever after a refusal",
    file: "../client/feed.ts",
    from: "          else barred(reply);\n",
    to: `          else {\n            phase = "out";\n            retry(1_000);\n          }\n`,
  },
  {
    name: "the client never joins again after a refusal",
    file: "../client/feed.ts",
    from: "      if (!error?.claim) return;\n      error = undefined;\n      join();\n",
    to: "      if (!error?.claim || joins > 0) return;\n      error = undefined;\n      join();\n",
  },
  {
    name: "the client sends again with a new clientId",
    file: "../client/outbox.ts",
    from: `    if (isError && reply.code === "disconnected") return; // Sent again on the next socket.\n`,
    to: `    if (isError && reply.code === "disconnected") {
        const clientId = entry.item.change.clientId.replace(/.$/, (last) => (last === "0" ? "1" : "0"));
        entry.item = { ...entry.item, change: { ...entry.item.change, clientId } };
        return;
      }\n`,
  },
  {
    name: "the client sends the newest change of a room first after a cut",
    file: "../client/outbox.ts",
    from: "    for (const entry of entries) {\n      const { change, epoch } = entry.item;\n",
    to: "    for (const entry of [...entries].reverse()) {\n      const { change, epoch } = entry.item;\n",
  },
  {
    name: "the client forgets its position when it reconnects",
    file: "../client/feed.ts",
    from: "since: list.since }",
    to: "since: joins > 1 ? undefined : list.since }",
  },
];
