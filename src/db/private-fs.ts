import { NodeFS } from "@electric-sql/pglite/nodefs";

type Init = NodeFS["init"];
/** The part of Emscripten's NODEFS that is changed here. */
interface Nodefs {
  readonly node_ops: { setattr(node: unknown, attributes: { mode?: number }): void };
  readonly stream_ops: { setattr(stream: unknown, attributes: { mode?: number }): void };
}

/**
 * The data directory on disk. PGlite's WebAssembly has a umask of its own, which is 022, and calls chmod on each file
 * that it creates, so that the umask of the process has no effect. Here no file keeps permissions for other users.
 */
export class PrivateFS extends NodeFS {
  override async init(...args: Parameters<Init>): ReturnType<Init> {
    const { emscriptenOpts } = await super.init(...args);
    const preRun: typeof emscriptenOpts.preRun = [
      ...(emscriptenOpts.preRun ?? []),
      ({ NODEFS }) => {
        for (const ops of [
          (NODEFS as unknown as Nodefs).node_ops,
          (NODEFS as unknown as Nodefs).stream_ops,
        ]) {
          const { setattr } = ops;
          ops.setattr = (target, attributes) =>
            setattr(
              target,
              attributes.mode === undefined ? attributes : { ...attributes, mode: attributes.mode & ~0o077 },
            );
        }
      },
    ];
    return { emscriptenOpts: { ...emscriptenOpts, preRun } };
  }
}
