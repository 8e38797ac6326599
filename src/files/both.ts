import type { Blobs } from "./blobs.ts";

/**
 * Two places as one, while files move from the old one. A copy in the new one counts once the old one has it no more, so
 * half a copy is never read. New files go to the new one.
 */
export const createBoth = (store: Blobs, old: Blobs): Blobs => ({
  hasRoom: (bytes) => store.hasRoom(bytes),
  write: (id, form, parts) => store.write(id, form, parts),
  async read(id, form) {
    return (await old.body(id, form)) ? old.read(id, form) : store.read(id, form);
  },
  body: async (id, form, range) => (await old.body(id, form, range)) ?? store.body(id, form, range),
  async remove(id) {
    await old.remove(id);
    await store.remove(id);
  },
  async discard(id, form) {
    await old.discard(id, form);
    await store.discard(id, form);
  },
  async *stored() {
    yield* old.stored();
    yield* store.stored();
  },
});
