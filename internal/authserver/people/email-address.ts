import { domainToASCII, domainToUnicode } from 'node:url';

export interface EmailAddress {
  /** As given, ASCII letters in lower case; other letters stay as they are, since folding them makes different addresses equal. */
  readonly local: string;
  /** Lower-case ASCII form (RFC 5890 A-labels). */
  readonly domain: string;
}

/** One unquoted local part, one `@`, one domain name. Undefined for all else, so that no second reading of it can differ. */
export function parseEmail(text: string): EmailAddress | undefined {
  if (text.length > 320) return undefined;
  const parts = text.split('@');
  const [local = '', name = ''] = parts;
  if (parts.length !== 2 || local === '' || /["\s\p{Cc}\p{Cf}(),:;<>[\\\]]/u.test(local)) return undefined;
  const domain = parseDomain(name);
  return domain === undefined ? undefined : { local: lowerAscii(local), domain };
}

/**
 * The domain name in lower-case ASCII. Undefined for what is none, and for spellings that only mapping makes one
 * (full-width letters, soft hyphens, a dot at the end): whoever verified such an address may have read it otherwise.
 */
export function parseDomain(text: string): string | undefined {
  const lower = text.normalize('NFC').toLowerCase();
  const ascii = domainToASCII(lower);
  if (!/^[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})*$/.test(ascii) || /^[\d.]+$/.test(ascii)) return undefined;
  return ascii === lower || domainToUnicode(ascii) === lower ? ascii : undefined;
}

function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}
