/*
 * Both blocks of reasoning have one field that the vendor checks, and both are thinking parts here. The value of a redacted
 * one is marked, since it would be refused as the signature of a `thinking` block. Neither kind of value holds a colon.
 */
const mark = 'redacted_thinking:';

/** `data` of a `redacted_thinking` block as a signature's value. */
export function markRedacted(data: string): string {
  return `${mark}${data}`;
}

/** `data` of the `redacted_thinking` block that the value came from; undefined for the signature of a `thinking` block. */
export function redactedDataOf(value: string): string | undefined {
  return value.startsWith(mark) ? value.slice(mark.length) : undefined;
}
