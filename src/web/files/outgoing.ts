import { type Chat, ChatError, createSubject } from "../../client/index.ts";
import { request } from "../account/requests.ts";
import type { Attachment } from "../composer/drafts.ts";
import type { Refusals } from "../composer/refusals.ts";
import type { Outgoing, Sending } from "../composer/sendings.ts";
import type { PageStorage } from "../page/storage.ts";
import { persist } from "./persist.ts";
import { createVault } from "./vault.ts";

interface Parts {
  readonly chat: Chat;
  readonly storage: PageStorage;
  readonly refusals: Refusals;
  readonly page: Window;
}

/** A message that this tab sends. */
interface Run {
  sending: Sending;
  readonly control: AbortController;
  /** Whether the message itself was sent, so that the server may have it. */
  posted?: boolean;
}

const PREFIX = "parley sending ";
/** A committed message keeps its own previews until the room's list has it, in milliseconds. */
const LINGER_MS = 60_000;
/** The session ended by itself: what is being sent waits for the same person. */
const INTERRUPTED: readonly string[] = ["signed_out", "closed", "session_ended", "token_invalid"];

/**
 * Uploads the files of messages, and then posts the messages. What is not finished is kept in this browser, and continued by
 * the next page under the same ids: each file is stored once, and each message is committed once. Of several tabs, one sends
 * a message.
 */
export function createOutgoing({ chat, storage, refusals, page }: Parts): Outgoing {
  const vault = createVault(page);
  const locks = page.navigator.locks as LockManager | undefined;
  const runs = new Map<string, Run>();
  const source = createSubject<readonly Sending[]>(() => [...runs.values()].map(({ sending }) => sending));
  let left: ReadonlyMap<string, number> = new Map();
  const progress = createSubject(() => left);
  let email = chat.snapshot().account?.email;
  const stem = () => `${PREFIX}${encodeURIComponent(email ?? "")} `;
  const keyOf = ({ clientId }: Sending) => stem() + clientId;

  const note = (key: string, part: number) => {
    left = new Map(left).set(key, part);
    progress.changed();
  };
  const store = (run: Run, sending: Sending) => {
    run.sending = sending;
    storage.setItem(keyOf(sending), JSON.stringify(sending));
    source.changed();
  };
  const drop = (files: Sending["files"]) => void vault.remove(files.map(({ key }) => key));

  const uploadAll = (run: Run) =>
    Promise.all(
      run.sending.files.map(async (file) => {
        if (file.id !== undefined) return;
        const { key, name } = file;
        const bytes = await vault.get(key);
        if (!bytes || !(await isReadable(bytes)))
          throw new ChatError("file_missing", "The file is not in this browser any more.");
        const { id } = await chat.room(run.sending.room).upload(bytes, {
          name,
          clientId: key,
          signal: run.control.signal,
          onProgress: ({ loaded, total }) => note(key, loaded / total),
        });
        note(key, 1);
        const files = run.sending.files.map((one) => (one.key === key ? { ...one, id } : one));
        store(run, { ...run.sending, files });
      }),
    );

  const post = (run: Run) => {
    const { room, files, sent: _, ...message } = run.sending;
    run.posted = true;
    const body = { ...message, files: files.map(({ id, alt }) => ({ id, alt })) };
    const path = `/rooms/${encodeURIComponent(room)}/messages/`;
    return persist(() => request(chat, "POST", path, { body }), run.control.signal);
  };

  const remove = (run: Run) => {
    if (runs.get(run.sending.clientId) !== run) return;
    runs.delete(run.sending.clientId);
    left = new Map([...left].filter(([key]) => !run.sending.files.some((file) => file.key === key)));
    source.changed();
  };

  const work = async (run: Run) => {
    const person = email;
    try {
      await uploadAll(run);
      await post(run);
      run.sending = { ...run.sending, sent: true };
      source.changed();
      storage.removeItem(keyOf(run.sending));
      drop(run.sending.files);
      setTimeout(remove, LINGER_MS, run);
    } catch (error) {
      run.control.abort();
      const fault = error instanceof ChatError ? error : new ChatError("internal", String(error));
      if (email !== person || INTERRUPTED.includes(fault.code)) return remove(run);
      // What the server does not have any more is uploaded again.
      const isLost = fault.code === "file_missing";
      const files = run.sending.files.map((file) => (isLost ? { ...file, id: undefined } : file));
      refusals.add({ type: "send", ...run.sending }, fault, files);
      storage.removeItem(keyOf(run.sending));
      remove(run);
    }
  };

  /** Messages of other tabs, which this one sends if they close. */
  const awaited = new Set<string>();

  /** Sends a message that this page has, or one that another page has or left, once no other tab does. */
  const begin = (sending: Sending, isNew: boolean) => {
    if (!isNew && (awaited.has(sending.clientId) || runs.has(sending.clientId))) return;
    if (!isNew) awaited.add(sending.clientId);
    const run: Run = { sending, control: new AbortController() };
    const show = () => {
      runs.set(sending.clientId, run);
      store(run, sending);
    };
    if (isNew) show();
    const go = async () => {
      awaited.delete(sending.clientId);
      if (!isNew) {
        const kept = sendingIn(storage.getItem(keyOf(sending)));
        if (!kept || runs.has(sending.clientId)) return;
        run.sending = kept;
        show();
      }
      await work(run);
    };
    void (locks?.request(PREFIX + sending.clientId, go) ?? go());
  };

  const resume = () => {
    if (email === undefined) return;
    for (const key of storage.keys(stem())) {
      const sending = sendingIn(storage.getItem(key));
      if (sending) begin(sending, false);
      else storage.removeItem(key);
    }
  };
  /** Whether something refers to a file. */
  const isWanted = (key: string) =>
    ["draft", "refused", "sending"].some((kind) =>
      storage.keys(`parley ${kind} `).some((record) => storage.getItem(record)?.includes(key)),
    );

  chat.on("session", ({ account, error }) => {
    if (account?.email === email) return;
    const isSignedOut = account === undefined && error === undefined;
    if (isSignedOut) for (const key of storage.keys(stem())) storage.removeItem(key);
    email = account?.email;
    for (const { control } of runs.values())
      control.abort(new ChatError("signed_out", "The session has ended."));
    runs.clear();
    source.changed();
    if (isSignedOut) void vault.sweep(isWanted, 0);
    resume();
  });
  page.addEventListener("storage", ({ key, newValue }) => {
    const sending = key?.startsWith(stem()) ? sendingIn(newValue) : undefined;
    if (sending && locks) begin(sending, false);
  });
  resume();
  void vault.sweep(isWanted);
  page.addEventListener("beforeunload", (event) => {
    if (!vault.lasting) event.preventDefault();
  });

  return {
    snapshot: source.snapshot,
    subscribe: source.subscribe,
    send: (message) => begin(message, true),
    cancel(clientId) {
      const run = runs.get(clientId);
      if (!run || run.posted) return false;
      run.control.abort(new ChatError("withdrawn", "It was withdrawn."));
      return true;
    },
    keep: vault.put,
    bytes: vault.get,
    drop,
    progress,
  };
}

/** A file that was moved or changed since it was chosen cannot be read. An upload of it would only fail like a lost connection. */
const isReadable = (bytes: Blob): Promise<boolean> =>
  bytes
    .slice(0, 1)
    .arrayBuffer()
    .then(
      () => true,
      () => false,
    );

function sendingIn(kept: string | null): Sending | undefined {
  try {
    const one = JSON.parse(kept ?? "{}") as Partial<Sending>;
    const files = attachmentsIn(one.files);
    const isWhole = [one.room, one.clientId, one.content].every((text) => typeof text === "string");
    return isWhole && files ? { ...(one as Sending), files } : undefined;
  } catch {
    return undefined;
  }
}

/** Returns what the browser's storage has, if these are files. */
function attachmentsIn(value: unknown): readonly Attachment[] | undefined {
  const isFile = (one: Partial<Attachment> | null) =>
    typeof one?.key === "string" && typeof one.name === "string" && typeof one.size === "number";
  return Array.isArray(value) && value.length > 0 && value.every(isFile) ? value : undefined;
}
