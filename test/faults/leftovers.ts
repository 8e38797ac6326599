const undoing = new Set<() => void>();

/**
 * Registers a cleanup for the case that the run ends early, such as killing a process or removing a folder. Returns a
 * function that cancels it.
 */
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
      // Already gone.
    }
  }
}

/** Makes all registered cleanups run when this process ends, except on SIGKILL. */
export function leaveNothing(): void {
  process.on("exit", undoAll);
  for (const [signal, code] of [
    ["SIGINT", 130],
    ["SIGTERM", 143],
    ["SIGHUP", 129],
  ] as const)
    process.on(signal, () => process.exit(code));
}
