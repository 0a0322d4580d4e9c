import type { SecretOrigin } from './loaded.ts';
import { findSecurityMiss, suggestKey } from './near-miss.ts';
import type { ConfigProblem } from './problem.ts';
import { resolveSecret, type ReferenceSources } from './secret-reference.ts';
import { isMembers } from './members.ts';
import { anything, type SettingShape } from './shape.ts';
import type { YamlSource } from './yaml-source.ts';
import { scalarText, type YamlTree } from './yaml-tree.ts';

/** Longest client key; longer ones are refused at the door without hashing. */
const maxClientKeyBytes = 4_096;

/** What was found on the way from the document to plain values. */
export interface SettingsReader {
  /** Plain values as the settings table takes them; absent and null are both undefined. References are resolved. */
  readonly read: (tree: YamlTree, shape: SettingShape, path: readonly string[]) => unknown;
  /** Reads a list of keys in addition to those read before; for lists in legacy places. */
  readonly appendKeys: (tree: YamlTree, shape: SettingShape, path: readonly string[], into: unknown[]) => void;
  readonly report: (severity: ConfigProblem['severity'], path: string, message: string, offset?: number) => void;
  readonly problems: readonly ConfigProblem[];
  readonly ignoredKeys: readonly string[];
  readonly origins: Map<string, SecretOrigin>;
  /** Offset of each value by dotted path. */
  readonly places: ReadonlyMap<string, number>;
}

/** Dotted paths count list items as they are used: blanks and repetitions do not count. */
export function createSettingsReader(source: YamlSource, sources: ReferenceSources): SettingsReader {
  const problems: ConfigProblem[] = [];
  const ignoredKeys: string[] = [];
  const origins = new Map<string, SecretOrigin>();
  const places = new Map<string, number>();

  const report: SettingsReader['report'] = (severity, path, message, offset) => {
    problems.push({ severity, path, message, ...(offset === undefined ? {} : source.placeOf(offset)) });
  };

  function read(tree: YamlTree, shape: SettingShape, path: readonly string[]): unknown {
    // Null is a value of its own where any value may stand.
    if (tree.kind === 'null' && shape.type !== 'anything') return undefined;
    places.set(path.join('.'), tree.offset);
    if (tree.kind === 'null') return null;
    switch (tree.kind) {
      case 'scalar':
        return readScalar(tree, shape, path);
      case 'list': {
        // A list is an object to the settings table, so it would pass for a section without members.
        if (shape.type === 'section' || shape.type === 'map') return 'a list';
        if (shape.type !== 'list' && shape.type !== 'anything') return [];
        const items: unknown[] = [];
        appendItems(tree.items, shape.item ?? anything, path, items);
        return items;
      }
      case 'map':
        return readMembers(tree, shape, path);
    }
  }

  function readScalar(tree: Extract<YamlTree, { kind: 'scalar' }>, shape: SettingShape, path: readonly string[]): unknown {
    if (shape.type === 'flag') return readFlag(tree);
    if (shape.type !== 'text' && shape.type !== 'choice') return tree.value;
    const text = scalarText(tree).trim();
    if (shape.secret === undefined) return text;
    const name = path.join('.');
    const resolved = resolveSecret(text, sources);
    if (!resolved.ok) {
      report('error', name, resolved.error, tree.offset);
      return unresolved;
    }
    // An optional secret that is blank is none at all.
    if (resolved.value.value === '' && !shape.isRequired) return undefined;
    if (shape.secret === 'whole' || resolved.value.origin.kind !== 'plain') origins.set(name, resolved.value.origin);
    return resolved.value.value;
  }

  function readMembers(tree: Extract<YamlTree, { kind: 'map' }>, shape: SettingShape, path: readonly string[]): unknown {
    const members: [string, unknown][] = [];
    for (const { name, nameOffset, value } of tree.members) {
      const known = shape.type === 'section' ? shape.members.get(name) : (shape.item ?? anything);
      if (known === undefined && !shape.isOpen) {
        reportUnknown([...path, name], shape, nameOffset);
        continue;
      }
      if (known?.unused !== undefined && value.kind !== 'null') report('warning', [...path, name].join('.'), `ignored key '${[...path, name].join('.')}': ${known.unused}`, nameOffset);
      const plain = read(value, known ?? anything, [...path, name]);
      if (plain !== undefined) members.push([name, plain]);
    }
    return Object.fromEntries(members);
  }

  function reportUnknown(path: readonly string[], shape: SettingShape, offset: number): void {
    const dotted = path.join('.');
    const miss = findSecurityMiss(path, [...shape.members.keys()]);
    if (miss !== undefined) {
      report('error', dotted, `is not a setting; did you mean \`${miss}\`? A misspelt security setting is never ignored`, offset);
      return;
    }
    ignoredKeys.push(dotted);
    const hint = suggestKey(path.at(-1) ?? '', shape);
    if (hint !== undefined) report('warning', dotted, `ignored key '${dotted}'; did you mean \`${hint}\`?`, offset);
  }

  function appendItems(trees: readonly YamlTree[], shape: SettingShape, path: readonly string[], into: unknown[]): void {
    // A list of a hundred thousand keys must not be searched for each of them.
    const seen = new Set(into);
    for (const tree of trees) {
      const itemPath = [...path, String(into.length)];
      const item = tree.kind === 'null' && shape.type !== 'anything' ? undefined : read(tree, shape, itemPath);
      const objection = describeUselessItem(item, shape, seen);
      if (objection === undefined) {
        into.push(item);
        seen.add(item);
      } else {
        report('warning', itemPath.join('.'), objection, tree.offset);
        for (const name of origins.keys()) if (`${name}.`.startsWith(`${itemPath.join('.')}.`)) origins.delete(name);
      }
    }
  }

  function appendKeys(tree: YamlTree, shape: SettingShape, path: readonly string[], into: unknown[]): void {
    if (tree.kind === 'list') appendItems(tree.items, shape, path, into);
  }

  return { read, appendKeys, report, problems, ignoredKeys, origins, places };
}

/** Stands where a reference could not be resolved, so that nothing further is said of the value. */
const unresolved = 'unresolved-reference';

/** The Go program's parser takes YAML 1.1 words for a switch. */
function readFlag(tree: Extract<YamlTree, { kind: 'scalar' }>): unknown {
  if (typeof tree.value !== 'string' || tree.node.type !== 'PLAIN') return tree.value;
  if (/^(?:yes|on|y)$/i.test(tree.value)) return true;
  return /^(?:no|off|n)$/i.test(tree.value) ? false : tree.value;
}

function describeUselessItem(item: unknown, shape: SettingShape, before: ReadonlySet<unknown>): string | undefined {
  if (item === undefined || (shape.type === 'text' && item === '')) return 'is blank and not used';
  if (shape.secret === 'whole' && item !== unresolved && before.has(item)) return 'is the same key as one above and not used twice';
  if (shape.type === 'section' && shape.members.has('api-key') && isMembers(item) && item['api-key'] === '') return 'has a blank `api-key` and is not used';
  return undefined;
}

/** Says what is wrong with client keys; `hadItems` tells an explicitly empty list from one whose items are all useless. */
export function checkClientKeys(keys: readonly unknown[], hadItems: boolean, reader: SettingsReader): void {
  if (hadItems && keys.length === 0) reader.report('error', 'api-keys', 'holds no usable key; add one, or write `api-keys: []` if open access is meant', reader.places.get('api-keys'));
  for (const [index, key] of keys.entries()) {
    if (typeof key !== 'string' || key === unresolved) continue;
    const path = `api-keys.${index}`;
    if (Buffer.byteLength(key) > maxClientKeyBytes) reader.report('error', path, `is longer than ${maxClientKeyBytes} bytes`, reader.places.get(path));
    if (/[^\x21-\x7e]/.test(key)) reader.report('warning', path, 'holds blanks or characters that cannot be sent in a header', reader.places.get(path));
  }
}
