import { err, ok, type Result } from '../../fault/result.ts';

/** A step into an object by name, or into a list by place. */
export interface MemberStep {
  readonly kind: 'member';
  /** In an object. */
  readonly name: string;
  /** In a list; `end` is behind its last item, or the last one where it is removed. Undefined: never into a list. */
  readonly index: number | 'end' | undefined;
}

/** A step to a place far behind a list's end would fill the list up to there. */
const maxIndex = 999;

/** Signs of the Go program's path language that mean more than themselves. */
const special = /[|#@*?[\]{}]/;

/**
 * Reads the step that begins at `from`, up to its dot or the text's end: names with `\` before special signs, indexes, `-1`
 * for a list's end, `:` before a name of digits. An error says what is wrong with the path.
 * @see https://github.com/tidwall/sjson#path-syntax
 */
export function readMemberStep(text: string, from: number): Result<{ readonly step: MemberStep; readonly end: number }, string> {
  const isForced = text[from] === ':';
  let name = '';
  let at = isForced ? from + 1 : from;
  for (; at < text.length && text[at] !== '.'; at++) {
    const sign = text[at] ?? '';
    if (sign === '\\') {
      at++;
      if (at === text.length) return err('ends in a lone backslash');
      name += text[at] ?? '';
    } else if (special.test(sign)) return err(describeSpecial(sign));
    else name += sign;
  }
  if (name === '') return err('has an empty part');
  if (name === '__proto__') return err('names `__proto__`, which is no member of a request');
  const index = isForced ? undefined : indexOf(name);
  if (typeof index === 'number' && index > maxIndex) return err(`has an index above ${maxIndex}; for a member of an object with that name write \`:${name}\``);
  return ok({ step: { kind: 'member', name, index }, end: at });
}

function indexOf(name: string): MemberStep['index'] {
  if (name === '-1') return 'end';
  return /^\d+$/.test(name) ? Number(name) : undefined;
}

function describeSpecial(sign: string): string {
  if (sign === '[' || sign === ']') return `holds \`${sign}\`; write places in lists as \`tools.0\`, and \`\\${sign}\` for the sign itself`;
  return `holds \`${sign}\`, which is not understood here; write \`\\${sign}\` for the sign itself`;
}
