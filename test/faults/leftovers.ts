const undoing = new Set<() => void>();

/** Remembers what is to be undone should the run end early: processes to be killed, folders to be removed. */
export function leftover(undo: () => void): () => void {
  undoing.add(undo);
  return () => void undoing.delete(undo);
}

function undoAll(): void {
  for (const undo of [...undoing].reverse()) {
    undoing.delete(undo);
    try {
      undo();
    } catch {
      // It is gone already.
    }
  }
}

/** From now on nothing is left behind, however this process ends (but for a kill -9). */
export function leaveNothing(): void {
  process.on("exit", undoAll);
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)
    process.on(signal, () => process.exit(code));
}
