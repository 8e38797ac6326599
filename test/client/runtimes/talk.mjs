/**
 * A conversation that uses most of the client, in syntax that every runtime can read. Resolves with what it saw.
 * `client` has the exports of the package.
 */
export async function talk({ ChatError, createChat }, options, name) {
  const chat = createChat({ ...options, ports: { random: () => 0.02, ...options.ports } });
  const who = { email: `${name}@example.com`, username: name, password: "correct horse battery" };
  const account = await chat.register(who);
  const room = chat.room(name, { history: 5 });

  const received = [];
  const listening = (async () => {
    for await (const { id } of room) if (received.push(id) && id >= 30) break;
  })();

  const acks = [];
  for (let n = 1; n <= 30; n++) acks.push((await room.send(`${n}`)).id);
  await room.edit(acks[0], "first");
  await room.react(acks[1], "👍");
  await room.delete(acks[2]);
  await listening;
  while (room.snapshot().more) await room.older({ limit: 7 });
  const around = await room.history({ around: acks[4], limit: 4 });
  const refused = await room.send(" ").catch((error) => error instanceof ChatError && error.code);
  const control = new AbortController();
  control.abort(new Error("never mind"));
  const aborted = await room.send("?", { signal: control.signal }).catch(({ message }) => message);
  // Not every runtime can hold a file.
  const files = globalThis.Blob ? await sendFile(room) : undefined;
  const list = chat.rooms();
  await seen(list, ({ items }) => items.length === 1);
  await seen(room, ({ messages }) => messages[2]?.deletedAt);

  const result = {
    account,
    acks,
    received: [...new Set(received)],
    refused,
    aborted,
    around: around.messages.map(({ id }) => id),
    files,
    sessions: (await again(() => chat.sessions.read())).items.length,
    messages: room.snapshot().messages,
    rooms: list.snapshot().items.map((item) => item.room),
    state: chat.snapshot().connection.state,
  };
  await again(() => chat.logout());
  await chat.close();
  return result;
}

/** Sends a file and loads it. Resolves with what it says, and whether progress was reported. */
async function sendFile(room) {
  let loaded;
  const bytes = new TextEncoder().encode("one lamp, two chairs\n".repeat(5_000));
  const onProgress = (progress) => void (loaded = progress.loaded);
  const { id, size } = await room.upload(bytes, { name: "list.txt", onProgress });
  await room.send("", { files: [{ id, alt: "What is in the cellar" }] });
  await seen(room, ({ messages }) => messages.at(-1)?.files);
  const [file] = room.snapshot().messages.at(-1).files;
  const urls = (await again(() => room.files([id]))).get(id);
  const text = await again(async () => {
    const response = await fetch(urls.original).catch((error) =>
      Promise.reject(Object.assign(error, { retryable: true })),
    );
    return response.text().catch((error) => Promise.reject(Object.assign(error, { retryable: true })));
  });
  return { name: file.name, alt: file.alt, size, loaded, isWhole: text === new TextDecoder().decode(bytes) };
}

/** Retries an HTTP call: unlike changes, these fail if their connection breaks. */
async function again(call) {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      if (!error.retryable) throw error;
    }
  }
}

/** Resolves when a state is as it should be. */
function seen(source, isSo) {
  return new Promise((resolve) => {
    let stop = () => {};
    const look = () => isSo(source.snapshot()) && resolve(stop());
    stop = source.subscribe(look);
    look();
  });
}
