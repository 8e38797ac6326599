// The part of the client for messages that are kept: pinned in a room, or saved by the person.
export { createPins, type PinnedMessage, type Pins } from "./pins.ts";
export { createSaved, type Saved, type SavedMessage } from "./saved.ts";
