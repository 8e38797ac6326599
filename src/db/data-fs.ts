import fs from "node:fs";
import { join, resolve } from "node:path";
import { NodeFS } from "@electric-sql/pglite/nodefs";
import { syncFolder, syncName, syncTree } from "./sync.ts";

type Init = NodeFS["init"];

/** What is used here of Emscripten's file system. A node is a file or folder, whether it is open or not. */
interface FsNode {
  readonly name: string;
  readonly parent: FsNode;
  /** Whether its name may not be on the disk yet. */
  unnamed?: boolean;
}
type SetAttr = (target: unknown, attributes: { mode?: number }) => void;
interface Emscripten {
  readonly NODEFS: {
    readonly node_ops: { setattr: SetAttr; mknod(...args: unknown[]): FsNode };
    readonly stream_ops: { setattr: SetAttr; fsync?(stream: { nfd: number; node: FsNode }): number };
    realPath(node: FsNode): string;
    /** Returns Emscripten's number for an error of the operating system; undefined if there is none. */
    convertNodeCode(error: unknown): number | undefined;
  };
  readonly FS: { readonly ErrnoError: new (errno: number) => Error };
}

/** Emscripten's number for an I/O error. */
const EIO = 29;

/** What PGlite calls for each message to Postgres. It ignores what most of them throw, and calls them again for ever. */
const LOOP = [
  "_PostgresMainLoopOnce",
  "_PostgresMainLongJmp",
  "_PostgresSendReadyForQueryIfNecessary",
  "_pgl_pq_flush",
] as const;
type Loop = Record<(typeof LOOP)[number], () => unknown>;
/** The status with which Postgres leaves its loop after the error of a statement. */
const LONGJMP = 100;

/** The data directory on disk. PGlite's own class has no fsync, and gives files permissions for other users. */
export class DataFS extends NodeFS {
  /** How often Postgres has synced its log, the WAL. */
  walSyncs = 0;

  private constructor(
    dataDir: string,
    private readonly onAbort: (what: unknown) => void,
  ) {
    super(dataDir);
  }

  /**
   * Prepares a data directory, which the caller owns. `onAbort` is called if Postgres panics, exits or makes the
   * WebAssembly trap. It must not return.
   */
  static async prepare(dataDir: string, onAbort: (what: unknown) => void): Promise<DataFS> {
    const files = new DataFS(dataDir, onAbort);
    // Postgres does not start while this file is there, if it is empty as after a power failure.
    fs.rmSync(join(dataDir, "postmaster.pid"), { force: true });
    // A copy, a restored backup and a folder of an earlier version have never been synced.
    await syncTree(dataDir);
    syncName(resolve(dataDir));
    return files;
  }

  override async init(...args: Parameters<Init>): ReturnType<Init> {
    const { emscriptenOpts } = await super.init(...args);
    const patch = (module: unknown) => {
      keepPrivate(module as Emscripten);
      this.reachDisk(module as Emscripten);
      this.endOnTraps(module as Loop);
    };
    const preRun = [...(emscriptenOpts.preRun ?? []), patch];
    return { emscriptenOpts: { ...emscriptenOpts, preRun, onAbort: this.onAbort } as typeof emscriptenOpts };
  }

  /** After a trap, such as one of lacking memory, what Postgres has in memory is not to be trusted. */
  private endOnTraps(module: Loop): void {
    for (const name of LOOP) {
      const call = module[name];
      module[name] = () => {
        try {
          return call();
        } catch (error) {
          if ((error as { status?: unknown }).status !== LONGJMP) this.onAbort(error);
          throw error;
        }
      };
    }
  }

  /** Makes Postgres's fsync one of the operating system. Postgres panics if it fails. */
  private reachDisk({ NODEFS, FS }: Emscripten): void {
    const { node_ops: nodes, stream_ops: streams } = NODEFS;
    const { mknod } = nodes;
    nodes.mknod = (...args) => Object.assign(mknod(...args), { unnamed: true });
    streams.fsync = ({ nfd, node }) => {
      try {
        fs.fsyncSync(nfd);
        // POSIX does not promise that a file that is on the disk has its name there. Postgres relies on it for tables.
        if (node.unnamed) syncFolder(NODEFS.realPath(node.parent));
      } catch (error) {
        throw new FS.ErrnoError(NODEFS.convertNodeCode(error) ?? EIO);
      }
      node.unnamed = false;
      if (node.parent.name === "pg_wal") this.walSyncs++;
      return 0;
    };
  }
}

/**
 * Keeps permissions from other users. PGlite's WebAssembly has a umask of its own, which is 022, and calls chmod on each
 * file that it creates, so that the umask of the process has no effect.
 */
function keepPrivate({ NODEFS }: Emscripten): void {
  for (const ops of [NODEFS.node_ops, NODEFS.stream_ops]) {
    const { setattr } = ops;
    ops.setattr = (target, attributes) =>
      setattr(
        target,
        attributes.mode === undefined ? attributes : { ...attributes, mode: attributes.mode & ~0o077 },
      );
  }
}
