import { isAlias, isMap, isScalar, isSeq, type Document, type Scalar } from 'yaml';
import { err, ok, type Result } from '../fault/result.ts';
import type { ConfigProblem } from './problem.ts';
import { syntaxProblem, type YamlSource } from './yaml-source.ts';

/** A document with aliases and merge keys resolved; every part knows its place in the text. */
export type YamlTree =
  | { readonly kind: 'null'; readonly offset: number }
  | { readonly kind: 'scalar'; readonly offset: number; readonly value: unknown; readonly node: Scalar }
  | { readonly kind: 'map'; readonly offset: number; readonly members: readonly YamlMember[] }
  | { readonly kind: 'list'; readonly offset: number; readonly items: readonly YamlTree[] };

export interface YamlMember {
  readonly name: string;
  readonly nameOffset: number;
  readonly value: YamlTree;
}

/** A small file with nested aliases can stand for gigabytes; this many parts may come of aliases. */
const maxAliasedParts = 10_000;
const maxDepth = 64;

class TreeLimit extends Error {
  readonly offset: number;
  constructor(message: string, offset: number) {
    super(message);
    this.offset = offset;
  }
}

export function readTree(source: YamlSource): Result<YamlTree, readonly ConfigProblem[]> {
  try {
    return ok(createTreeReader(source.document)(source.document.contents, 0, false));
  } catch (thrown) {
    if (thrown instanceof TreeLimit) return err([syntaxProblem(thrown.message, source.placeOf(thrown.offset))]);
    throw thrown;
  }
}

/** The same for one node of a document that `readTree` took. */
export function readNode(document: Document.Parsed, node: unknown): YamlTree {
  return createTreeReader(document)(node, 0, false);
}

/** The text of a scalar as it was written, quotes and escapes resolved: `0123` and `1e5` stay text. */
export function scalarText(tree: { readonly value: unknown; readonly node: Scalar }): string {
  return typeof tree.value === 'string' ? tree.value : (tree.node.source ?? String(tree.value));
}

function createTreeReader(document: Document.Parsed): (node: unknown, depth: number, isAliased: boolean) => YamlTree {
  let aliasedParts = 0;
  const read = (node: unknown, depth: number, isAliased: boolean, at = 0): YamlTree => {
    const offset = offsetOf(node) ?? at;
    if (depth > maxDepth) throw new TreeLimit(`is nested more than ${maxDepth} levels deep`, offset);
    if (isAliased && ++aliasedParts > maxAliasedParts) throw new TreeLimit('aliases stand for too much here', offset);
    if (isAlias(node)) {
      const target = node.resolve(document);
      if (target === undefined) throw new TreeLimit('this alias names no anchor above it', offset);
      return read(target, depth + 1, true, offset);
    }
    if (isScalar(node)) return node.value === null || node.value === undefined ? { kind: 'null', offset } : { kind: 'scalar', offset, value: node.value, node };
    if (isSeq(node)) return { kind: 'list', offset, items: node.items.map((item) => read(item, depth + 1, isAliased, offset)) };
    if (isMap(node)) return { kind: 'map', offset, members: readMembers(node.items, offset, depth, isAliased) };
    return { kind: 'null', offset };
  };
  const readMembers = (pairs: readonly { readonly key: unknown; readonly value: unknown }[], at: number, depth: number, isAliased: boolean): readonly YamlMember[] => {
    const own = new Map<string, YamlMember>();
    const merged = new Map<string, YamlMember>();
    for (const pair of pairs) {
      const nameOffset = offsetOf(pair.key) ?? at;
      const value = read(pair.value, depth + 1, isAliased, nameOffset);
      const name = isScalar(pair.key) ? (pair.key.source ?? String(pair.key.value)) : String(pair.key);
      if (isMergeKey(pair.key)) for (const member of mergedMembers(value)) merged.set(member.name, merged.get(member.name) ?? member);
      else own.set(name, { name, nameOffset, value });
    }
    return [...[...merged.values()].filter((member) => !own.has(member.name)), ...own.values()];
  };
  return read;
}

export function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.type === 'PLAIN' && key.source === '<<';
}

function mergedMembers(value: YamlTree): readonly YamlMember[] {
  if (value.kind === 'map') return value.members;
  return value.kind === 'list' ? value.items.flatMap((item) => mergedMembers(item)) : [];
}

function offsetOf(node: unknown): number | undefined {
  return isAlias(node) || isScalar(node) || isMap(node) || isSeq(node) ? node.range?.[0] : undefined;
}
