import Ajv2020 from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

/** Returns what is wrong with a value according to the schema at a JSON pointer of a document, or undefined. */
export type Misfit = (value: unknown, ...pointer: string[]) => string | undefined;

/**
 * Validates values against the schemas of a document. With `closed`, undocumented fields are wrong too: the server must
 * not send any, although clients must ignore them.
 */
export function createMisfit(document: object, { closed }: { closed: boolean }): Misfit {
  const ajv = new Ajv2020({ strict: false });
  addFormats(ajv);
  ajv.addFormat("idn-email", true);
  ajv.addSchema(closed ? (closedOf(document) as object) : document, "document");
  return (value, ...pointer) => {
    const path = pointer.map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")));
    const $ref = `document#/${path.join("/")}`;
    const fits = ajv.getSchema($ref);
    if (!fits) throw new Error(`the document has no ${pointer.join(" ")}`);
    return fits(value) ? undefined : ajv.errorsText(fits.errors, { dataVar: "it" });
  };
}

/** Returns a copy of a schema in which objects allow no undocumented fields. */
function closedOf(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(closedOf);
  if (typeof node !== "object" || node === null) return node;
  const copy = Object.fromEntries(Object.entries(node).map(([name, value]) => [name, closedOf(value)]));
  const open = copy.type === "object" && "properties" in copy && !("additionalProperties" in copy);
  return open ? { ...copy, additionalProperties: false } : copy;
}
