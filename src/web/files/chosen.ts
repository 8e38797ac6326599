/** What a person dropped, pasted or picked. */
export interface Chosen {
  readonly files: readonly File[];
  /** Folders were among it. */
  readonly folders?: boolean;
}

/** Reads what was dropped or pasted. Call it during the event: afterwards the browser has forgotten it. */
export function chosenIn(data: DataTransfer): Chosen {
  const items = [...data.items].filter(({ kind }) => kind === "file");
  const isFolder = (item: DataTransferItem) => item.webkitGetAsEntry?.()?.isDirectory === true;
  return {
    files: items.filter((item) => !isFolder(item)).flatMap((item) => item.getAsFile() ?? []),
    folders: items.some(isFolder),
  };
}

export const hasFiles = (data: DataTransfer | null): data is DataTransfer =>
  data?.types.includes("Files") === true;

/**
 * Whether a paste is about files. Programs that copy text often add a picture of it: then the text is meant. Those that copy
 * a file may add its name, but nothing that is formatted.
 */
export const isFilePaste = (data: DataTransfer | null): data is DataTransfer =>
  hasFiles(data) && !(data.types.includes("text/plain") && data.types.includes("text/html"));
