// Runs the conversation in a worker, or in a service worker, for the page that asks for it.
import * as client from "./client.js";
import { talk } from "./talk.mjs";

globalThis.addEventListener("message", (event) => {
  const { url, name } = event.data;
  const [port] = event.ports;
  const done = talk(client, { url }, name).then(
    (saw) => port.postMessage({ saw }),
    (error) => port.postMessage({ error: String(error.stack) }),
  );
  event.waitUntil?.(done); // so that a service worker stays
});
