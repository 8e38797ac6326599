import { talk } from "./talk.mjs";

/** Has the conversation with this client for any page that asks for it. */
export function serve(client) {
  globalThis.addEventListener("message", (event) => {
    const { url, name } = event.data;
    const [port] = event.ports;
    const done = talk(client, { url }, name).then(
      (saw) => port.postMessage({ saw }),
      (error) => port.postMessage({ error: String(error.stack) }),
    );
    event.waitUntil?.(done); // so that a service worker stays
  });
}
