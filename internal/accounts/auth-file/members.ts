import { isUtf8 } from 'node:buffer';
import { getNodeValue, parseTree, type Node } from 'jsonc-parser';
import { placeOf, scanObject } from '../../dialect/json-scan.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { escapeForeign } from '../../log/escape.ts';
import { changeMembers, type MemberChange } from './patch.ts';

/** One member where it stands. */
export interface Member {
  /** As spelled in the file: `['proxy-url']`, `['token', 'access_token']`. */
  readonly path: readonly [string, ...string[]];
  readonly value: unknown;
  /** The value as it is written. */
  readonly json: string;
}

/** The members of an auth file's object. Names are asked for in snake_case and found in kebab-case as well. */
export interface Members {
  /** The whole text behind `mark`. */
  readonly text: string;
  /** The byte order mark that some editors put first, or `''`; kept by every write. */
  readonly mark: string;
  /** Of the object itself; the snake_case spelling first where a file has both. */
  readonly top: (name: string) => readonly Member[];
  /** Of the `token` object that `gemini` files keep theirs in. */
  readonly nested: (name: string) => readonly Member[];
  /** Both, those of the object itself first. */
  readonly everywhere: (name: string) => readonly Member[];
  /** All there are in either place, in snake_case. */
  readonly names: readonly string[];
  /** True where there is a `token` object. */
  readonly hasTokenObject: boolean;
}

const byteOrderMark = '\ufeff';

/** Members of a file's bytes, or why they are none: a phrase such as `is not valid JSON (line 2, column 7)`. */
export function readMembers(bytes: Uint8Array): Result<Members, string> {
  if (bytes.length === 0) return err('is empty');
  if (!isUtf8(bytes)) return err('is not UTF-8 text');
  const decoded = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  const text = decoded.startsWith(byteOrderMark) ? decoded.slice(1) : decoded;
  const checked = Buffer.from(text);
  const scan = scanObject(checked, new Set());
  if (!scan.ok) {
    const { line, column } = placeOf(checked, scan.fault.offset);
    if (scan.fault.kind === 'depth') return err('is nested deeper than 256');
    return err(`${scan.fault.kind === 'not_object' ? 'is no JSON object' : 'is not valid JSON'} (line ${line}, column ${column})`);
  }
  return membersOf(text, decoded.slice(0, decoded.length - text.length));
}

/** As `readMembers`, of a text that is known to be a JSON object. */
export function membersOf(text: string, mark = ''): Result<Members, string> {
  const root = parseTree(text);
  if (root === undefined) throw new TypeError('the text was checked to be JSON');
  const top = collect(text, root, []);
  if (!top.ok) return top;
  const token = top.value.get('token')?.[0];
  const tokenNode = token === undefined ? undefined : root.children?.find((member) => nameOf(member) === token.path[0])?.children?.[1];
  const hasTokenObject = tokenNode?.type === 'object';
  const nested = hasTokenObject ? collect(text, tokenNode, ['token']) : ok(new Map<string, readonly Member[]>());
  if (!nested.ok) return nested;
  const inTop = (name: string): readonly Member[] => top.value.get(name) ?? [];
  const inToken = (name: string): readonly Member[] => nested.value.get(name) ?? [];
  return ok({
    text,
    mark,
    top: inTop,
    nested: inToken,
    everywhere: (name) => [...inTop(name), ...inToken(name)],
    names: [...new Set([...top.value.keys(), ...nested.value.keys()])],
    hasTokenObject,
  });
}

/** Members after a change of their text. */
export function applyChanges(members: Members, changes: readonly MemberChange[]): Members {
  const next = membersOf(changeMembers(members.text, changes), members.mark);
  if (!next.ok) throw new TypeError(`a change broke the file: ${next.error}`);
  return next.value;
}

/** Parsers disagree on which of two members of one name counts, so neither does. */
function collect(text: string, object: Node, above: readonly string[]): Result<ReadonlyMap<string, readonly Member[]>, string> {
  const byName = new Map<string, Member[]>();
  const seen = new Set<string>();
  for (const node of object.children ?? []) {
    const spelled = nameOf(node);
    const value = node.children?.[1];
    if (value === undefined) continue;
    if (seen.has(spelled)) return err(`holds "${escapeForeign([...above, spelled].join('.'), 64)}" twice`);
    seen.add(spelled);
    const name = spelled.replaceAll('-', '_');
    const [first, ...rest] = [...above, spelled];
    if (first === undefined) continue;
    const member: Member = { path: [first, ...rest], value: getNodeValue(value), json: text.slice(value.offset, value.offset + value.length) };
    const others = byName.get(name) ?? [];
    byName.set(name, spelled === name ? [member, ...others] : [...others, member]);
  }
  return ok(byName);
}

function nameOf(member: Node): string {
  const name: unknown = member.children?.[0]?.value;
  return typeof name === 'string' ? name : '';
}

/** A member's text without white space at the ends; undefined when it is none, or empty. */
export function textOf(members: readonly Member[]): string | undefined {
  for (const { value } of members) {
    if (typeof value === 'string' && value.trim() !== '') return value.trim();
  }
  return undefined;
}
