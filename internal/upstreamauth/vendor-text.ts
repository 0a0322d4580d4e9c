import type { Secret } from '../secret/secret.ts';
import { escapeForeign } from '../log/escape.ts';
import { redacted, redactText } from '../log/redact.ts';

/** What a vendor said, as it may be shown: secrets of the exchange cut out, then what looks like one, escaped, in short. */
export function vendorText(text: string, secrets: readonly (string | Secret | undefined)[]): string {
  // Cut out before anything is cut off: a piece of a secret would not be found.
  let shown = text;
  for (const secret of secrets) {
    const value = typeof secret === 'string' ? secret : secret?.reveal();
    // Very short ones would cut ordinary words.
    if (value !== undefined && value.length >= 4) shown = shown.replaceAll(value, redacted).replaceAll(encodeURIComponent(value), redacted);
  }
  return escapeForeign(redactText(shown.slice(0, 2_000)), 300);
}

/** An OAuth error code as it may be shown and compared: short and plain, else `unknown_error`. RFC 6749 §5.2 */
export function vendorCode(code: string): string {
  return /^[\w.:/-]{1,64}$/.test(code) ? code : 'unknown_error';
}
