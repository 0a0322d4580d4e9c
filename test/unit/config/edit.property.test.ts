import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { applyEdits } from '../../../internal/config/edit.ts';
import type { ConfigEdit, ConfigPath } from '../../../internal/config/ports.ts';

/*
 * A file is generated as a tree in which every part carries its own way of being written: quotes, flow or block, blanks
 * before comments, comments above. From it follow both the text and the value, so the model needs no parser.
 */

type Node =
  | { readonly kind: 'scalar'; readonly value: string | number | boolean; readonly quote: 'plain' | 'single' | 'double' }
  | { readonly kind: 'list'; readonly items: readonly Part[]; readonly isFlow: boolean }
  | { readonly kind: 'map'; readonly members: readonly (Part & { readonly name: string })[]; readonly isFlow: boolean };
interface Part {
  readonly node: Node;
  readonly above: readonly string[];
  readonly behind: string;
}

const names = ['host', 'port', 'api-keys', 'x-unknown', 'tls', 'routing', 'a b', 'null', 'debug', 'models'] as const;
const words = fc.oneof(fc.constantFrom('sk-abc', '0123', '1e5', 'yes', 'null', '', 'a: b', '# no comment', "it's", 'say "hi"', '*', '- x', 'ünï', 'https://x.example/v1', '@at', '{', ' lead'), fc.string({ maxLength: 12 }));
const scalar = fc.record({ kind: fc.constant('scalar' as const), value: fc.oneof(words, fc.integer({ min: -9, max: 99_999 }), fc.boolean()), quote: fc.constantFrom('plain' as const, 'single' as const, 'double' as const) });
const comment = fc.constantFrom('', '', ' # mine', '   # aligned  twice', '\t# tab: "quoted"');
const above = fc.constantFrom<readonly string[]>([], [], ['# above'], ['', '# gap: and [brackets]', '#- item']);

const { node: nodes } = fc.letrec<{ node: Node; leaf: Node; part: Part; list: Node; map: Node }>((tie) => ({
  leaf: scalar,
  part: fc.record({ node: tie('node'), above, behind: comment }),
  list: fc.record({ kind: fc.constant('list' as const), items: fc.array(tie('part'), { maxLength: 4 }), isFlow: fc.boolean() }),
  map: fc.record({
    kind: fc.constant('map' as const),
    members: fc.uniqueArray(fc.record({ name: fc.constantFrom(...names), node: tie('node'), above, behind: comment }), { selector: (member) => member.name, maxLength: 4 }),
    isFlow: fc.boolean(),
  }),
  node: fc.oneof({ maxDepth: 3, withCrossShrink: true }, tie('leaf'), tie('list'), tie('map')),
}));

const files = fc.record({
  members: fc.uniqueArray(fc.record({ name: fc.constantFrom(...names), node: nodes, above, behind: comment }), { selector: (member) => member.name, minLength: 1, maxLength: 7 }),
  eol: fc.constantFrom('\n', '\r\n'),
  tail: fc.constantFrom<readonly string[]>([], ['', '# the end', '#  of it']),
});
type File = typeof files extends fc.Arbitrary<infer T> ? T : never;

function valueOf(node: Node): unknown {
  if (node.kind === 'scalar') return node.value;
  if (node.kind === 'list') return node.items.map((item) => valueOf(item.node));
  return Object.fromEntries(node.members.map((member) => [member.name, valueOf(member.node)]));
}

function writeScalar(node: Extract<Node, { kind: 'scalar' }>): string {
  const { value, quote } = node;
  if (typeof value !== 'string') return String(value);
  if (quote === 'plain' && /^[a-z][\w-]*$/.test(value) && !/^(?:true|false|null)$/i.test(value)) return value;
  if (quote === 'single' && /^[\x20-\x7e]*$/.test(value)) return `'${value.replaceAll("'", "''")}'`;
  return JSON.stringify(value);
}

function writeName(name: string): string {
  return name === 'null' ? '"null"' : name;
}

function writeFlow(node: Node): string {
  if (node.kind === 'scalar') return writeScalar(node);
  if (node.kind === 'list') return `[${node.items.map((item) => writeFlow(item.node)).join(', ')}]`;
  return `{${node.members.map((member) => `${writeName(member.name)}: ${writeFlow(member.node)}`).join(',  ')}}`;
}

function isInline(node: Node): boolean {
  return node.kind === 'scalar' || node.isFlow || (node.kind === 'list' ? node.items.length === 0 : node.members.length === 0);
}

/** Lines below a key or dash; comment lines stand at the indentation of what they precede. */
function writeBlock(node: Node, indent: number): readonly string[] {
  const blanks = ' '.repeat(indent);
  const aboveLines = (part: Part): readonly string[] => part.above.map((line) => (line === '' ? '' : blanks + line));
  if (node.kind === 'list') {
    return node.items.flatMap((item) => {
      if (isInline(item.node)) return [...aboveLines(item), `${blanks}- ${writeFlow(item.node)}${item.behind}`];
      const lines = writeBlock(item.node, indent + 2);
      const isFirstPlain = !/^\s*(?:#|$)/.test(lines[0] ?? '');
      return isFirstPlain ? [...aboveLines(item), `${blanks}- ${(lines[0] ?? '').slice(indent + 2)}`, ...lines.slice(1)] : [...aboveLines(item), `${blanks}-${item.behind}`, ...lines];
    });
  }
  if (node.kind === 'map') {
    return node.members.flatMap((member) => {
      const key = `${blanks}${writeName(member.name)}:`;
      return isInline(member.node) ? [...aboveLines(member), `${key} ${writeFlow(member.node)}${member.behind}`] : [...aboveLines(member), `${key}${member.behind}`, ...writeBlock(member.node, indent + 2)];
    });
  }
  return [];
}

function writeFile(file: File): string {
  return [...writeBlock({ kind: 'map', members: file.members, isFlow: false }, 0), ...file.tail].map((line) => line + file.eol).join('');
}

const fileValue = (file: File): unknown => valueOf({ kind: 'map', members: file.members, isFlow: false });

/** Every path of a value, lists and maps included, the root left out. */
function pathsOf(value: unknown, path: ConfigPath = []): readonly ConfigPath[] {
  const below = Array.isArray(value) ? value.flatMap((item, index) => pathsOf(item, [...path, index])) : isMap(value) ? Object.entries(value).flatMap(([name, member]) => pathsOf(member, [...path, name])) : [];
  return path.length === 0 ? below : [path, ...below];
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function at(value: unknown, path: ConfigPath): unknown {
  return path.reduce<unknown>((inner, step) => (Array.isArray(inner) ? inner[Number(step)] : isMap(inner) ? inner[String(step)] : undefined), value);
}

function change(value: unknown, path: ConfigPath, edit: ConfigEdit): unknown {
  const [step, ...rest] = path;
  if (step === undefined) return edit.kind === 'append' ? [...(Array.isArray(value) ? value : []), edit.value] : edit.kind === 'set' ? edit.value : undefined;
  if (Array.isArray(value)) {
    const index = Number(step);
    if (rest.length === 0 && edit.kind === 'delete') return value.filter((_item, other) => other !== index);
    return value.map((item, other) => (other === index ? change(item, rest, edit) : item));
  }
  const members = isMap(value) ? value : {};
  if (rest.length === 0 && edit.kind === 'delete') return Object.fromEntries(Object.entries(members).filter(([name]) => name !== step));
  return { ...members, [step]: change(members[String(step)], rest, edit) };
}

const json = fc.oneof({ weight: 3, arbitrary: words }, { weight: 1, arbitrary: fc.integer() }, { weight: 1, arbitrary: fc.boolean() }, { weight: 2, arbitrary: nodes.map(valueOf) });
const editOf = (value: unknown): fc.Arbitrary<ConfigEdit> => {
  const paths = pathsOf(value);
  const maps = [[], ...paths.filter((path) => isMap(at(value, path)))];
  const lists = paths.filter((path) => Array.isArray(at(value, path)));
  const set = fc.record({ kind: fc.constant('set' as const), path: fc.constantFrom(...paths), value: json });
  const add = fc.record({ kind: fc.constant('set' as const), path: fc.tuple(fc.constantFrom(...maps), fc.constantFrom('new-key', 'host', '8')).map(([path, name]) => [...path, name]), value: json });
  const remove = fc.record({ kind: fc.constant('delete' as const), path: fc.constantFrom(...paths) });
  return lists.length === 0 ? fc.oneof(set, add, remove) : fc.oneof(set, add, remove, fc.record({ kind: fc.constant('append' as const), path: fc.constantFrom(...lists), value: json }));
};
const cases = files.chain((file) => editOf(fileValue(file)).map((edit) => ({ file, edit })));

/** `part` appears in `whole` in the same order, with other lines between at most. */
function isSubsequence(part: readonly string[], whole: readonly string[]): boolean {
  let next = 0;
  for (const line of whole) if (line === part[next]) next++;
  return next === part.length;
}

const runs = { numRuns: 1_500 };

describe('random edits of commented files', () => {
  it('what is read afterwards is exactly what the edit says', () => {
    fc.assert(fc.property(cases, ({ file, edit }) => {
      const edited = applyEdits(writeFile(file), [edit]);
      expect(parse(edited, { logLevel: 'silent' }) ?? {}).toEqual(change(fileValue(file), edit.path, edit));
    }), runs);
  });

  it('lines of other settings stay byte for byte, and in order', () => {
    fc.assert(fc.property(cases, ({ file, edit }) => {
      const edited = applyEdits(writeFile(file), [edit]).split('\n');
      const others = file.members.filter((member) => member.name !== edit.path[0]);
      const kept = others.flatMap((member) => writeFile({ ...file, members: [member], tail: [] }).split('\n').slice(0, -1));
      expect(isSubsequence(kept, edited)).toBe(true);
    }), runs);
  });

  it('a plain value put in a plain value’s place changes that one line, and its comment stays', () => {
    fc.assert(fc.property(cases, ({ file, edit }) => {
      const value = fileValue(file);
      fc.pre(edit.kind === 'set' && typeof edit.value !== 'object' && ['string', 'number', 'boolean'].includes(typeof at(value, edit.path)));
      const before = writeFile(file).split('\n');
      const after = applyEdits(writeFile(file), [edit]).split('\n');
      expect(after).toHaveLength(before.length);
      expect(after.filter((line, index) => line !== before[index]).length).toBeLessThanOrEqual(1);
    }), { numRuns: 800 });
  });

  it('appending and adding take no line away, but the one of a flow list or an empty one', () => {
    fc.assert(fc.property(cases, ({ file, edit }) => {
      const value = at(fileValue(file), edit.path);
      fc.pre(edit.kind === 'append' || (edit.kind === 'set' && value === undefined));
      const before = writeFile(file).split('\n');
      const after = new Set(applyEdits(writeFile(file), [edit]).split('\n'));
      expect(before.filter((line) => !after.has(line)).length).toBeLessThanOrEqual(1);
    }), { numRuns: 800 });
  });

  it('deleting adds no line, but the one that then says the list or section is empty', () => {
    fc.assert(fc.property(cases, ({ file, edit }) => {
      fc.pre(edit.kind === 'delete');
      const before = new Set(writeFile(file).split('\n'));
      const after = applyEdits(writeFile(file), [edit]).split('\n');
      expect(after.filter((line) => !before.has(line)).length).toBeLessThanOrEqual(1);
    }), { numRuns: 800 });
  });

  it('comment lines above other parts survive', () => {
    fc.assert(fc.property(cases, ({ file, edit }) => {
      fc.pre(edit.kind !== 'delete' && typeof at(fileValue(file), edit.path) !== 'object');
      const comments = (text: string): readonly string[] => text.split(/\r?\n/).filter((line) => /^\s*#/.test(line));
      const before = writeFile(file);
      expect(comments(applyEdits(before, [edit]))).toEqual(comments(before));
    }), { numRuns: 800 });
  });

  it('a CRLF file stays CRLF throughout, an LF file LF', () => {
    fc.assert(fc.property(cases, ({ file, edit }) => {
      const edited = applyEdits(writeFile(file), [edit]);
      const bare = edited.replaceAll('\r\n', '').includes('\n');
      expect(file.eol === '\r\n' ? bare : edited.includes('\r\n')).toBe(false);
    }), runs);
  });

  it('setting what already stands there changes not a byte', () => {
    fc.assert(fc.property(cases, ({ file, edit }) => {
      const text = writeFile(file);
      const value = at(fileValue(file), edit.path);
      fc.pre(value !== undefined);
      expect(applyEdits(text, [{ kind: 'set', path: edit.path, value }])).toBe(text);
    }), runs);
  });

  it('ten edits in a row keep reading as the model says', () => {
    const seeds = fc.array(fc.nat(), { minLength: 10, maxLength: 10 });
    fc.assert(fc.property(files, seeds, (file, picks) => {
      let text = writeFile(file);
      let value = fileValue(file);
      for (const pick of picks) {
        const [edit] = fc.sample(editOf(isMap(value) && Object.keys(value).length > 0 ? value : { host: 1 }), { seed: pick, numRuns: 1 });
        if (edit === undefined || (at(value, edit.path) === undefined && edit.kind !== 'set')) continue;
        text = applyEdits(text, [edit]);
        value = change(value, edit.path, edit);
      }
      expect(parse(text, { logLevel: 'silent' }) ?? {}).toEqual(value);
    }), { numRuns: 200 });
  });
});
