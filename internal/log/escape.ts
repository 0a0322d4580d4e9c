/*
 * Text from outside may hold terminal control sequences, line breaks that forge log lines, and bidirectional marks that
 * show a text in another order than it is stored (security rule 17).
 */

// Controls and lone surrogates; Arabic letter mark, LRM/RLM, line and paragraph separators, embeddings and overrides, isolates, BOM.
const foreign = /[\p{Cc}\p{Cs}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/gu;

// Within a JSON line the C0 controls, quotes and lone surrogates are escaped by the serializer already.
const foreignInJson = /[\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/;
const allForeignInJson = new RegExp(foreignInJson, 'g');

const named: Readonly<Record<string, string>> = { '\n': String.raw`\n`, '\r': String.raw`\r`, '\t': String.raw`\t` };

/**
 * The text with control and bidirectional characters spelled as `\n`, `\x1b`, `\u202e`; safe to show on a terminal and in
 * one line. `maxLength` (UTF-16 units of the input) cuts with an ellipsis; absent means no limit.
 */
export function escapeForeign(text: string, maxLength: number = Infinity): string {
  const cut = text.length > maxLength ? `${text.slice(0, maxLength)}…` : text;
  return cut.replace(foreign, spellOut);
}

/** Makes a serialized JSON line safe for a terminal; it stays the same JSON value. */
export function escapeJsonLine(line: string): string {
  return foreignInJson.test(line) ? line.replace(allForeignInJson, (character) => String.raw`\u${hex(character, 4)}`) : line;
}

function spellOut(character: string): string {
  const code = character.charCodeAt(0);
  return named[character] ?? (code <= 0xff ? String.raw`\x${hex(character, 2)}` : String.raw`\u${hex(character, 4)}`);
}

function hex(character: string, digits: number): string {
  return character.charCodeAt(0).toString(16).padStart(digits, '0');
}
