/** A way to lose acknowledged changes that the cuts must find. Each `from` occurs exactly once in its file of `src/db`. */
export interface Mutant {
  readonly name: string;
  /** It does harm only to an older directory. */
  readonly older?: boolean;
  readonly changes: readonly { readonly file: string; readonly from: string; readonly to: string }[];
}

// Each start would refuse to run most of these.
const UNCHECKED = {
  file: "durability.ts",
  from: "Promise<void> {\n",
  to: "Promise<void> {\n  if (database && files) return;\n",
} as const;

const HOOK = {
  file: "data-fs.ts",
  from: "    streams.fsync = (",
  to: "    (streams as { none?: unknown }).none = (",
} as const;
const PID = {
  file: "data-fs.ts",
  from: `    fs.rmSync(join(dataDir, "postmaster.pid"), { force: true });\n`,
  to: "",
} as const;
const OPENED = {
  file: "data-fs.ts",
  from: "    await syncTree(dataDir);\n    syncName(resolve(dataDir));\n",
  to: "",
} as const;
const CREATED = { file: "sync.ts", from: "  await syncTree(unfinished);\n", to: "" } as const;
const setting = (name: string, value: string, other: string) => ({
  file: "durability.ts",
  from: `  ${name}: "${value}",`,
  to: `  ${name}: "${other}",`,
});

export const MUTANTS: readonly Mutant[] = [
  {
    name: "the configuration of PGlite itself",
    changes: [
      UNCHECKED,
      HOOK,
      PID,
      OPENED,
      CREATED,
      { file: "durability.ts", from: `.filter((param) => param !== "-F")`, to: "" },
      setting("fsync", "on", "off"),
    ],
  },
  { name: "no fsync of ours", changes: [UNCHECKED, HOOK] },
  { name: "fdatasync", changes: [UNCHECKED, setting("wal_sync_method", "fsync", "fdatasync")] },
  { name: "no full pages in the log", changes: [UNCHECKED, setting("full_page_writes", "on", "off")] },
  { name: "commits that do not wait", changes: [UNCHECKED, setting("synchronous_commit", "on", "off")] },
  { name: "a new directory that is not synced", changes: [CREATED, OPENED] },
  { name: "an older directory that is not synced", older: true, changes: [OPENED] },
  {
    name: "no sync of new files' names",
    changes: [
      {
        file: "data-fs.ts",
        from: "        if (node.unnamed) syncFolder(NODEFS.realPath(node.parent));\n",
        to: "",
      },
    ],
  },
  { name: "postmaster.pid left", changes: [PID] },
  {
    name: "no sync of uploaded files",
    changes: [{ file: "../files/disk.ts", from: "        await file.sync();\n", to: "" }],
  },
  {
    name: "no sync of the names of uploaded files",
    changes: [
      {
        file: "../files/disk.ts",
        from: "      await syncFolder(folderOf(id));\n      await syncFolder(root);\n",
        to: "",
      },
    ],
  },
  {
    name: "no sync of the names of new folders of uploads",
    changes: [{ file: "../files/disk.ts", from: "      await syncFolder(root);\n", to: "" }],
  },
];
