import type { Mutant } from "../support/mutants.ts";

/** Bugs in what happens to files. */
export const FILES: readonly Mutant[] = [
  {
    name: "a deleted message keeps its files",
    file: "room/attaching.ts",
    from: "if (old?.files && files === null) emptied",
    to: "if (old?.files && files === null && id < 0) emptied",
  },
  {
    name: "an operator's deletion keeps the files",
    file: "room/attaching.ts",
    from: "if (old?.files && files === null) emptied",
    to: `if (change.kind !== "remove" && old?.files && files === null) emptied`,
  },
  {
    name: "someone sends the file of another person",
    file: "room/attaching.ts",
    from: "file?.room !== room || file.userId !== senderId",
    to: "file?.room !== room || senderId < 0",
  },
  {
    name: "a file is sent in another room",
    file: "room/attaching.ts",
    from: "file?.room !== room || file.userId",
    to: "!file || room === undefined || file.userId",
  },
  {
    name: "a message is sent without the files that are not there",
    file: "room/attaching.ts",
    from: `if (file?.room !== room || file.userId !== senderId) return { refused: "file_missing" };`,
    to: "if (file?.room !== room || file.userId !== senderId) continue;",
  },
  {
    name: "files lost on the way to the commit",
    file: "change.ts",
    from: "replyTo, thread, files, mentions, everyone } = submission;",
    to: "replyTo, thread, mentions, everyone } = submission; const files = null;",
  },
  {
    name: "files are shown by rights from before the fence",
    file: "room/seen.ts",
    from: "if (fence <= membership.fence) return files;",
    to: "if (fence <= membership.fence || files.length > 0) return files;",
  },
  {
    name: "newcomers are shown the files of earlier messages",
    file: "room/seen.ts",
    from: "membership.from, ids)",
    to: "membership.from && 0, ids)",
  },
  {
    name: "the bytes of a repeated upload are not compared",
    file: "../files/upload.ts",
    from: `if (hash.digest("hex") !== file.hash) throw reused();`,
    to: `if (hash.digest("hex") === "") throw reused();`,
  },
  {
    name: "of two uploads at once, the second is taken for the first",
    file: "../files/upload.ts",
    from: "if (first.hash !== content.hash) throw reused();",
    to: `if (first.hash === "") throw reused();`,
  },
  {
    name: "an upload that was given up is acknowledged",
    file: "../files/upload.ts",
    from: `      if (done === "done")\n`,
    to: `      if (done !== "taken")\n`,
  },
  {
    name: "a preview is offered before it is stored",
    file: "../files/upload.ts",
    from: `    await put("preview", preview);\n`,
    to: `    void put("preview", preview).catch(() => {});\n`,
  },
  {
    name: "the content of an upload that was forgotten stays",
    file: "../files/upload.ts",
    from: "    if (!wasAlive) await blobs.remove(id);\n",
    to: "",
  },
  {
    name: "the row of a file goes although its content could not be removed",
    file: "../files/collector.ts",
    from: "      failure = error;\n      kept.push(id);\n",
    to: "      failure = error;\n      gone.push(id);\n",
  },
  {
    name: "what could not be removed is not tried again",
    file: "../files/collector.ts",
    from: "      await blobs.remove(id);\n      gone.push(id);\n",
    to: "      await blobs.remove(id).catch(() => {});\n      gone.push(id);\n",
  },
  {
    name: "content without a row is not found",
    file: "../files/sweep.ts",
    from: "if (ids.length > 0) found += await store.adopt(ids);",
    to: "if (ids.length > 1) found += await store.adopt(ids);",
  },
];
