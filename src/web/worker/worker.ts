import { openTab } from "./click.ts";
import { receive } from "./push.ts";
import { scope } from "./scope.ts";
import { respond, store, takeOver } from "./shell.ts";

// The page's service worker. It opens the page without a connection, shows what is
// pushed while no page is open, and opens rooms from notifications. It never sees
// tokens: they are in requests of the API, which it does not handle.

scope.addEventListener("install", (event) => event.waitUntil(store()));
scope.addEventListener("activate", (event) => event.waitUntil(takeOver()));
scope.addEventListener("fetch", respond);
scope.addEventListener("push", (event) => event.waitUntil(receive(event)));
scope.addEventListener("notificationclick", (event) => event.waitUntil(openTab(event.notification)));
