// Runs in Node with the built package: `node talk.mjs <url> <room>`. Prints its final state.
import { ChatError, createChat } from "@parley-chat/client";

const [, , url, room] = process.argv;
const password = "correct horse battery";

/** Retries an HTTP call: unlike changes, these fail if their connection breaks. */
async function again(ask) {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!error.retryable) throw error;
    }
  }
}

const chat = createChat({ url, ports: { random: () => 0.02 } });
const account = await chat.register({ email: "nora@example.com", username: "nora", password });
const hall = chat.room(room, { history: 5 });

const received = [];
const listening = (async () => {
  for await (const { id } of hall) if (received.push(id) && id >= 30) break;
})();

const acks = [];
for (let n = 1; n <= 30; n++) acks.push((await hall.send(`${n}`)).id);
await hall.edit(acks[0], "first");
await hall.react(acks[1], "👍");
await hall.delete(acks[2]);
await listening;
while (hall.snapshot().more) await hall.older({ limit: 7 });
const around = await hall.history({ around: acks[4], limit: 4 });
const refused = await hall.send(" ").catch((error) => error instanceof ChatError && error.code);
const control = new AbortController();
control.abort(new Error("never mind"));
const aborted = await hall.send("?", { signal: control.signal }).catch(({ message }) => message);
await new Promise((resolve) => {
  const look = () => hall.snapshot().messages[2]?.deletedAt && resolve(stop());
  const stop = hall.subscribe(look);
  look();
});

console.log(
  JSON.stringify({
    account,
    acks,
    received: [...new Set(received)],
    refused,
    aborted,
    around: around.messages.map(({ id }) => id),
    sessions: (await again(() => chat.sessions.list())).length,
    messages: hall.snapshot().messages,
    state: chat.snapshot().connection.state,
  }),
);
await again(() => chat.logout());
await chat[Symbol.asyncDispose](); // What `await using` does, which Node 22 cannot parse.
