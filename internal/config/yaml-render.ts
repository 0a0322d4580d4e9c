import { isMembers } from './members.ts';

/** How new strings are quoted; a plain one is quoted anyway where it would read as something else. */
export type StringStyle = 'PLAIN' | 'QUOTE_SINGLE' | 'QUOTE_DOUBLE';

export interface RenderOptions {
  readonly style: StringStyle;
  /** Blanks per level. */
  readonly stepWidth: number;
  /** Blanks by which a list stands further in than the key it belongs to. */
  readonly listOffset: number;
}

// Words of YAML 1.1 too: the Go program reads the same file.
const reservedWord = /^(?:true|false|null|yes|no|on|off|y|n)$/i;
const plainWord = /^[A-Za-z_][\w./@+%=-]*$/;
const plainUrl = /^https?:\/\/[\w./%@+=~:-]*[\w/]$/;
// Characters that end lines or cannot be seen; JSON has escaped the control characters below space before.
const unprintable = /[\p{Cc}\u2028\u2029\ufeff]/gu;

/** One scalar. `isFlow` is true between brackets, where fewer texts can stand without quotes. */
export function renderScalar(value: unknown, style: StringStyle, isFlow: boolean): string {
  if (typeof value !== 'string') return typeof value === 'number' || typeof value === 'boolean' ? String(value) : 'null';
  if (style === 'PLAIN' && isPlainText(value, isFlow)) return value;
  if (style === 'QUOTE_SINGLE' && /^[^\p{Cc}\p{Cs}\u2028\u2029\ufeff]*$/u.test(value)) return `'${value.replaceAll("'", "''")}'`;
  return JSON.stringify(value).replace(unprintable, (character) => String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

/** Any value on one line: `{ name: "a", list: [1, 2] }`. */
export function renderInline(value: unknown, style: StringStyle, isFlow: boolean): string {
  if (Array.isArray(value)) return `[${value.map((item) => renderInline(item, style, true)).join(', ')}]`;
  if (!isMembers(value)) return renderScalar(value, style, isFlow);
  const members = Object.entries(value).map(([name, member]) => `${renderKey(name)}: ${renderInline(member, style, true)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}

/** A list or map with members, in block form: lines without line ends, the first at `indent` like all others. */
export function renderBlock(value: unknown, indent: number, options: RenderOptions): readonly string[] {
  const blanks = ' '.repeat(indent);
  if (Array.isArray(value)) {
    return value.flatMap((item) => {
      if (!hasParts(item)) return [`${blanks}- ${renderInline(item, options.style, false)}`];
      const [first = '', ...rest] = renderBlock(item, indent + 2, options);
      return [`${blanks}- ${first.slice(indent + 2)}`, ...rest];
    });
  }
  return Object.entries(isMembers(value) ? value : {}).flatMap(([name, member]) => renderMember(name, member, indent, options));
}

/** `name: value` in block form. */
export function renderMember(name: string, value: unknown, indent: number, options: RenderOptions): readonly string[] {
  const key = `${' '.repeat(indent)}${renderKey(name)}:`;
  if (!hasParts(value)) return [`${key} ${renderInline(value, options.style, false)}`];
  return [key, ...renderBlock(value, indent + (Array.isArray(value) ? options.listOffset : options.stepWidth), options)];
}

function renderKey(name: string): string {
  return isPlainText(name, true) ? name : renderScalar(name, 'QUOTE_DOUBLE', true);
}

/** A list or map that is not empty, so that it takes lines of its own. */
export function hasParts(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length > 0;
}

function isPlainText(value: string, isFlow: boolean): boolean {
  return (plainWord.test(value) && !reservedWord.test(value)) || (!isFlow && plainUrl.test(value));
}
