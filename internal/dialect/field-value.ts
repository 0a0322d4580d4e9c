/**
 * Whether a header may have this value: a tab, visible ASCII, spaces and the bytes beyond ASCII.
 *
 * @see RFC 9110 §5.5
 */
export function isFieldValue(value: string): boolean {
  for (let index = 0; index < value.length; index++) {
    const code = value.charCodeAt(index);
    if ((code < 0x20 && code !== 0x09) || code === 0x7f || code > 0xff) return false;
  }
  return true;
}
