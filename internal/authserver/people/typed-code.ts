/**
 * A code as a person typed or pasted it, in the letters of `alphabet`: spaces and dashes of any kind are passed over, small
 * letters are capitals. Undefined for anything else, so that no look-alike letter is ever folded onto a real one.
 */
export function readTypedCode(typed: string, alphabet: string, length: number): string | undefined {
  if (typed.length > 64) return undefined;
  const letters = typed.replace(/[\s\p{Pd}]/gu, '').replace(/[a-z]/g, (letter) => letter.toUpperCase());
  return new RegExp(`^[${alphabet}]{${length}}$`).test(letters) ? letters : undefined;
}

/** `ABCD-EFGH` for groups of 4. */
export function groupLetters(code: string, size: number): string {
  return code.match(new RegExp(`.{1,${size}}`, 'g'))?.join('-') ?? code;
}
