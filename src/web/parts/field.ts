type Field = HTMLInputElement | HTMLTextAreaElement;

/**
 * Replaces the text of a field at once, so that Undo brings back what was there, if the field has the focus. It fires `input`
 * like a key would. Compare with `field.value` before: what was rendered last may be older than what was typed.
 */
export function setText(field: Field, text: string): void {
  if (field.value === text) return;
  if (document.activeElement === field) {
    field.select();
    // Deprecated, but nothing else keeps the browser's history of the field.
    document.execCommand(text === "" ? "delete" : "insertText", false, text);
  }
  if (field.value === text) return;
  field.value = text;
  field.dispatchEvent(new InputEvent("input", { bubbles: true }));
}

/**
 * Whether a key belongs to an input method, for example the Enter that chooses a word. Safari ends the composition before that
 * key, whose code is then 229 (WebKit 165004).
 */
export const isComposing = (event: KeyboardEvent): boolean => event.isComposing || event.keyCode === 229;
