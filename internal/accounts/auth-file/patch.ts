import { applyEdits, findNodeAtLocation, parseTree, type Edit, type Node } from 'jsonc-parser';

/** A change of one member of a JSON object. */
export interface MemberChange {
  /** Names as they are spelled in the text, outermost first. */
  readonly path: readonly [string, ...string[]];
  /** The new value as JSON text; undefined removes the member. */
  readonly json: string | undefined;
}

/**
 * Changes members of a JSON object within its text: everything else keeps its bytes, its order and its number of digits.
 * New members come last and are spaced as the one before them. `text` must be valid JSON with an object as its root;
 * members above a new one that are missing are made.
 */
export function changeMembers(text: string, changes: readonly MemberChange[]): string {
  return changes.reduce((current, change) => {
    const edit = editOf(current, change);
    return edit === undefined ? current : applyEdits(current, [edit]);
  }, text);
}

function editOf(text: string, { path, json }: MemberChange): Edit | undefined {
  const root = parseTree(text);
  if (root?.type !== 'object') throw new TypeError('only objects have members');
  const existing = findNodeAtLocation(root, [...path]);
  if (existing !== undefined) return json === undefined ? removal(existing) : replacement(text, existing, json);
  if (json === undefined) return undefined;
  // The innermost object that is there takes the rest as one new member.
  let depth = path.length - 1;
  let parent = findNodeAtLocation(root, path.slice(0, depth));
  while (parent === undefined && depth > 0) parent = findNodeAtLocation(root, path.slice(0, --depth));
  if (parent?.type !== 'object') throw new TypeError(`${path.slice(0, depth).join('.')} is no object`);
  const name = path[depth] ?? path[0];
  const value = path.slice(depth + 1).reduceRight((inner, outer) => `{${JSON.stringify(outer)}:${inner}}`, json);
  return insertion(text, parent, name, value);
}

function replacement(text: string, { offset, length }: Node, json: string): Edit | undefined {
  return text.slice(offset, offset + length) === json ? undefined : { offset, length, content: json };
}

/** The member with the comma that parts it from its neighbour; white space before it stays with the next one. */
function removal(value: Node): Edit {
  const member = value.parent;
  const siblings = member?.parent?.children ?? [];
  if (member === undefined) throw new TypeError('the root cannot be removed');
  const index = siblings.indexOf(member);
  const next = siblings[index + 1];
  if (next !== undefined) return { offset: member.offset, length: next.offset - member.offset, content: '' };
  const previous = siblings[index - 1];
  const start = previous === undefined ? member.offset : previous.offset + previous.length;
  return { offset: start, length: member.offset + member.length - start, content: '' };
}

function insertion(text: string, parent: Node, name: string, json: string): Edit {
  const last = parent.children?.at(-1);
  const [key, value] = last?.children ?? [];
  if (last === undefined || key === undefined || value === undefined) return { offset: parent.offset + 1, length: 0, content: `${JSON.stringify(name)}: ${json}` };
  const before = parent.children?.at(-2);
  const gapStart = before === undefined ? parent.offset + 1 : before.offset + before.length;
  const gap = text.slice(gapStart, last.offset).replace(',', '');
  const colon = text.slice(key.offset + key.length, value.offset);
  return { offset: last.offset + last.length, length: 0, content: `,${gap}${JSON.stringify(name)}${colon}${json}` };
}
