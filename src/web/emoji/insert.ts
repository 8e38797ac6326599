/**
 * Replaces a part of a field's text as if the person had typed it: they can undo it, and the field reports an `input`. The
 * field then has the focus.
 */
export function insert(field: HTMLTextAreaElement, text: string, from: number, to: number): void {
  field.focus({ preventScroll: true });
  field.setSelectionRange(from, to);
  // Nothing else keeps the browser's own history of a field.
  if (document.execCommand("insertText", false, text)) return;
  field.setRangeText(text, from, to, "end");
  field.dispatchEvent(new InputEvent("input", { bubbles: true, inputType: "insertReplacementText" }));
}
