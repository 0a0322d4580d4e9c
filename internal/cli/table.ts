import { stripVTControlCharacters } from 'node:util';

/** Columns padded to their widest cell, two blanks between, no trailing blanks; each row ends in a newline. */
export function formatColumns(rows: readonly (readonly string[])[], indent = ''): string {
  const cells = rows.map((row) => row.map(printable));
  const widths = cells.reduce<number[]>((found, row) => row.map((cell, index) => Math.max(cell.length, found[index] ?? 0)).concat(found.slice(row.length)), []);
  return cells.map((row) => `${indent}${row.map((cell, index) => cell.padEnd(widths[index] ?? 0)).join('  ')}`.trimEnd() + '\n').join('');
}

/** As `printable`, the line breaks kept: for sentences of ours that show lines to copy. */
export function printableLines(text: string): string {
  return text.split('\n').map(printable).join('\n');
}

/** Foreign text as one harmless line: control and bidirectional characters show as their escapes (security rule 17). */
export function printable(text: string): string {
  return stripVTControlCharacters(text).replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}
