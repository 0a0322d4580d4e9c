import { err, ok, type Result } from '../../fault/result.ts';

const extension = '.json';
const maxBytes = 200;
/** Devices that Windows finds under any extension. */
const reserved = /^(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)/i;
// Controls, lone surrogates, and marks that show a name in another order than it is stored (as in log/escape.ts).
const deceptive = /[\p{Cc}\p{Cs}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/u;

/** Checks a file name from outside; ok with its NFC form. The error is the rest of a sentence: `must end in .json`. */
export function checkFileName(name: string): Result<string, string> {
  const plain = name.normalize('NFC');
  if (plain === '') return err('must not be empty');
  if (/[/\\]/.test(plain)) return err('must not hold a path separator');
  if (deceptive.test(plain)) return err('must not hold control, invisible or direction characters');
  if (plain.startsWith('.')) return err('must not begin with a dot');
  if (!plain.toLowerCase().endsWith(extension)) return err('must end in .json');
  if (Buffer.byteLength(plain) > maxBytes) return err(`must not be longer than ${maxBytes} bytes`);
  return reserved.test(plain) ? err('is a device on some systems') : ok(plain);
}

/**
 * A usable name for a new file, as near to `suggested` as can be: what cannot stand in a name becomes `-`. Where `isTaken`,
 * `-2`, `-3` … comes before `.json`.
 */
export function nameNewFile(suggested: string, isTaken: (name: string) => boolean): string {
  const stem = cutTo(maxBytes - extension.length - 6, cleanStem(suggested));
  for (let number = 1; ; number++) {
    const name = `${stem}${number === 1 ? '' : `-${number}`}${extension}`;
    if (!isTaken(name)) return name;
  }
}

function cleanStem(suggested: string): string {
  const stem = suggested
    .normalize('NFC')
    .replace(/\.json$/i, '')
    // Windows takes none of these, and a shell makes something of some.
    .replace(/[^\p{L}\p{N}\p{M}@+=_.,()~-]+/gu, '-')
    .replace(/^[.-]+|[.-]+$/g, '');
  if (stem === '') return 'account';
  return reserved.test(stem) ? `account-${stem}` : stem;
}

/** By whole characters. */
function cutTo(bytes: number, text: string): string {
  let cut = '';
  for (const character of text) {
    if (Buffer.byteLength(cut) + Buffer.byteLength(character) > bytes) break;
    cut += character;
  }
  return cut;
}
