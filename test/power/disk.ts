import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Random } from "../sim/random.ts";
import type { Entry } from "./log.ts";

/**
 * How names reach the disk. `journal`: a file that is synced brings its own name along, and the changes of that folder
 * before it, as on ext4, xfs and btrfs. `strict`: names are on the disk only once their folder was synced, which is all
 * that POSIX promises.
 */
export type Names = "journal" | "strict";

type Write = { readonly at: number; readonly data: Buffer } | { readonly size: number };

interface FileNode {
  readonly kind: "file";
  /** What is surely on the disk, and what was written since. */
  synced: Buffer;
  pending: Write[];
}
interface FolderNode {
  readonly kind: "folder";
  /** The names as the process sees them, as they are surely on the disk, and what has changed since. */
  readonly entries: Map<string, Node>;
  readonly synced: Map<string, Node>;
  pending: Change[];
}
type Node = FileNode | FolderNode;
/** A name gets a node or loses it. A rename removes another name of the same folder with that, as one change. */
interface Change {
  readonly name: string;
  readonly node: Node | undefined;
  readonly removes?: string;
}
interface Place {
  readonly folder: FolderNode;
  readonly name: string;
}

const newFile = (synced: Buffer = Buffer.alloc(0)): FileNode => ({ kind: "file", synced, pending: [] });
const newFolder = (): FolderNode => ({ kind: "folder", entries: new Map(), synced: new Map(), pending: [] });

/** A folder on a simulated disk, which remembers what a power failure may take away. */
export class Disk {
  private readonly root = newFolder();
  private readonly open = new Map<number, { node: Node; place: Place }>();

  constructor(private readonly names: Names) {}

  /** Adds the content of a real folder: already on the disk, or just copied there. */
  load(folder: string, isSynced: boolean): void {
    this.add(folder, this.root, isSynced);
  }

  /** Carries out one recorded operation. */
  apply({ operation, data }: Entry): void {
    switch (operation.do) {
      case "create":
      case "mkdir":
        return change(this.place(operation.path), operation.do === "mkdir" ? newFolder() : newFile());
      case "remove":
        return change(this.place(operation.path), undefined);
      case "rename": {
        const from = this.place(operation.path);
        const node = from.folder.entries.get(from.name);
        if (!node) throw new Error(`${operation.path} does not exist`);
        const to = this.place(operation.to);
        if (to.folder !== from.folder) throw new Error("a rename to another folder is not simulated");
        return change(to, node, from.name);
      }
      case "open": {
        const place = this.place(operation.path);
        const node = operation.path === "" ? this.root : place.folder.entries.get(place.name);
        if (node) this.open.set(operation.fd, { node, place });
        return;
      }
      case "close":
        return void this.open.delete(operation.fd);
      case "sync": {
        const found = this.open.get(operation.fd);
        if (found) this.sync(found.node, found.place);
        return;
      }
      case "write":
        return void this.file(operation)?.pending.push({ at: operation.at, data });
      case "truncate":
        return void this.file(operation)?.pending.push({ size: operation.size });
    }
  }

  /** Whether something was written to a file since its last sync. */
  isDirty(path: string): boolean {
    return (this.file({ path })?.pending.length ?? 0) > 0;
  }

  /** Returns the path of an open file. */
  pathOf(fd: number): string | undefined {
    const found = this.open.get(fd);
    if (!found) return undefined;
    if (found.node === this.root) return "";
    const search = (folder: FolderNode, at: string): string | undefined => {
      for (const [name, node] of folder.entries) {
        if (node === found.node) return join(at, name);
        const below = node.kind === "folder" ? search(node, join(at, name)) : undefined;
        if (below !== undefined) return below;
      }
      return undefined;
    };
    return search(this.root, "");
  }

  /** Writes a folder as the disk may hold it if the power fails now. `random` decides what was not synced. */
  cut(folder: string, random: Random): void {
    // Half of the time one probability for all files: also what a disk with a long queue does.
    const all = random.chance(0.5) ? random.pick(KEPT) : undefined;
    const sector = random.chance(0.5) ? 512 : 4096;
    const write = (node: FolderNode, path: string) => {
      mkdirSync(path, { recursive: true });
      for (const [name, child] of this.namesAfter(node, random)) {
        const at = join(path, name);
        if (child.kind === "folder") write(child, at);
        else {
          const kept = all ?? random.pick(KEPT);
          writeFileSync(
            at,
            contentAfter(child.synced, child.pending, sector, () => random.chance(kept)),
          );
        }
      }
    };
    write(this.root, folder);
  }

  private namesAfter({ synced, pending }: FolderNode, random: Random): Map<string, Node> {
    const names = new Map(synced);
    // A journal is written in order. Without that promise, each change may or may not be there.
    const written = random.below(pending.length + 1);
    const kept = random.pick(KEPT);
    pending.forEach((made, index) => {
      if (this.names === "journal" ? index < written : random.chance(kept)) rename(names, made);
    });
    return names;
  }

  private add(path: string, into: FolderNode, isSynced: boolean): void {
    for (const name of readdirSync(path)) {
      const at = join(path, name);
      const isFolder = statSync(at).isDirectory();
      const content = isFolder ? Buffer.alloc(0) : readFileSync(at);
      const node = isFolder ? newFolder() : newFile(isSynced ? content : undefined);
      if (node.kind === "file" && !isSynced) node.pending.push({ at: 0, data: content });
      change({ folder: into, name }, node);
      if (node.kind === "folder") this.add(at, node, isSynced);
    }
    if (isSynced) this.sync(into);
  }

  private sync(node: Node, place?: Place): void {
    if (node.kind === "folder") return void settle(node, node.pending.length);
    node.synced = contentAfter(node.synced, node.pending, Number.POSITIVE_INFINITY, () => true);
    node.pending = [];
    if (this.names !== "journal" || !place) return;
    const own = place.folder.pending.findLastIndex(({ node: renamed }) => renamed === node);
    settle(place.folder, own + 1);
  }

  private place(path: string): Place {
    let folder = this.root;
    for (const part of dirname(path).split("/")) {
      if (part === ".") continue;
      const below = folder.entries.get(part);
      if (below?.kind !== "folder") throw new Error(`${path} is in no folder`);
      folder = below;
    }
    return { folder, name: path.slice(path.lastIndexOf("/") + 1) };
  }

  private file({ fd, path }: { fd?: number | undefined; path?: string | undefined }): FileNode | undefined {
    const place = path === undefined ? undefined : this.place(path);
    const node = place ? place.folder.entries.get(place.name) : this.open.get(fd ?? -1)?.node;
    return node?.kind === "file" ? node : undefined;
  }
}

/** The probabilities with which something that was not synced is on the disk. */
const KEPT = [0, 0.1, 0.5, 0.9, 1] as const;

function change({ folder, name }: Place, node: Node | undefined, removes?: string): void {
  const made = { name, node, ...(removes !== undefined && { removes }) };
  rename(folder.entries, made);
  folder.pending.push(made);
}

function rename(names: Map<string, Node>, { name, node, removes }: Change): void {
  if (removes !== undefined) names.delete(removes);
  if (node) names.set(name, node);
  else names.delete(name);
}

function settle(folder: FolderNode, count: number): void {
  for (const change of folder.pending.splice(0, count)) rename(folder.synced, change);
}

/** Returns a file's content after writes. `survives` decides for each truncation and each sector of a write. */
function contentAfter(
  before: Buffer,
  writes: readonly Write[],
  sector: number,
  survives: () => boolean,
): Buffer {
  if (writes.length === 0) return before;
  const most = Math.max(
    ...writes.map((write) => ("size" in write ? write.size : write.at + write.data.length)),
  );
  const content = Buffer.alloc(Math.max(before.length, most));
  before.copy(content);
  let length = before.length;
  for (const write of writes) {
    if ("size" in write) {
      if (!survives()) continue;
      content.fill(0, write.size);
      length = write.size;
      continue;
    }
    const { at, data } = write;
    for (let from = at; from < at + data.length;) {
      const to = Math.min(at + data.length, (Math.floor(from / sector) + 1) * sector);
      if (survives()) {
        data.copy(content, from, from - at, to - at);
        length = Math.max(length, to);
      }
      from = to;
    }
  }
  return content.subarray(0, length);
}
