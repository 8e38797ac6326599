import type { MessageFile } from "../../client/index.ts";
import type { Addresses } from "./addresses.ts";

/** Saves what an address leads to as a file. The server sends originals as downloads, so the page stays. */
export function save(address: string, name: string): void {
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.rel = "noreferrer";
  document.body.append(link);
  link.click();
  link.remove();
}

/** Saves the files of a message. Those that are gone are left out. @throws {ChatError} */
export async function saveAll(files: readonly MessageFile[], addresses: Addresses): Promise<void> {
  const found = await Promise.all(files.map(({ id }) => addresses.of(id)));
  for (const [at, { name }] of files.entries()) {
    const { original } = found[at] ?? {};
    if (original) save(original, name);
  }
}

/** Whether this device has a dialog for sharing files. */
export const canShare = (): boolean => "canShare" in navigator;

/** Opens the device's dialog for sharing files. Saves them if it does not take them. @throws {ChatError} */
export async function share(files: readonly MessageFile[], addresses: Addresses): Promise<void> {
  const load = async ({ id, name, type }: MessageFile) => {
    const { original = "" } = (await addresses.of(id)) ?? {};
    // The page's policy allows requests to its own origin only.
    if (URL.parse(original)?.origin !== location.origin) throw new Error("it is elsewhere");
    return new File([await (await fetch(original)).blob()], name, { type });
  };
  try {
    const data = { files: await Promise.all(files.map(load)) };
    if (!navigator.canShare(data)) throw new Error("it cannot be shared");
    await navigator.share(data);
  } catch (error) {
    // The person closed the dialog.
    if ((error as Error).name !== "AbortError") await saveAll(files, addresses);
  }
}
