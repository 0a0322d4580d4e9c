import { isAlias, isCollection, isMap, isScalar, isSeq, type CST, type Pair, type YAMLMap, type YAMLSeq } from 'yaml';
import { isMergeKey } from './yaml-tree.ts';
import type { YamlSource } from './yaml-source.ts';

/** A value in the document together with what holds it. */
export interface Spot {
  /** Undefined for the root. */
  readonly holder: YAMLMap | YAMLSeq | undefined;
  /** Index among the holder's pairs or items. */
  readonly index: number;
  /** The value's node; null where nothing is written. */
  readonly node: unknown;
  readonly pair: Pair | undefined;
}

/** The spots from the root along `path`, as far as it exists; it ends before anything that an alias or a merge key stands for. */
export function findSpots(source: YamlSource, path: readonly (string | number)[]): readonly Spot[] {
  const spots: Spot[] = [{ holder: undefined, index: 0, node: source.document.contents, pair: undefined }];
  for (const step of path) {
    const next = spotBelow(spots.at(-1)?.node, step);
    if (next === undefined) break;
    spots.push(next);
  }
  return spots;
}

function spotBelow(holder: unknown, step: string | number): Spot | undefined {
  if (isMap(holder)) {
    const index = holder.items.findIndex((pair) => !isMergeKey(pair.key) && keyText(pair.key) === String(step));
    const pair = holder.items[index];
    return pair === undefined ? undefined : { holder, index, node: pair.value, pair };
  }
  if (isSeq(holder) && typeof step === 'number' && step >= 0 && step < holder.items.length) return { holder, index: step, node: holder.items[step], pair: undefined };
  return undefined;
}

function keyText(key: unknown): string {
  return isScalar(key) ? (key.source ?? String(key.value)) : String(key);
}

/** True for `[…]` and `{…}`. */
export function isFlow(node: unknown): boolean {
  return isCollection(node) && node.flow === true;
}

/** A list or map written over lines, by dashes or indentation. */
export function isBlockCollection(node: unknown): node is YAMLMap | YAMLSeq {
  return isCollection(node) && node.flow !== true;
}

export function isBlockScalar(node: unknown): boolean {
  return isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED');
}

/** Nothing is written: `key:` alone. */
export function isBlank(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.value === null && (node.source ?? '') === '');
}

/** Where the node's own text begins, after anchor and tag. */
export function startOf(node: unknown): number | undefined {
  return isScalar(node) || isAlias(node) || isCollection(node) ? node.range?.[0] : undefined;
}

/** Where the node's own text ends: before comments and line ends that follow. Undefined where nothing is written. */
export function endOf(source: YamlSource, node: unknown): number | undefined {
  if (isBlank(node)) return undefined;
  if (isBlockCollection(node)) return lastEnd(source, node);
  const range = isScalar(node) || isAlias(node) || isCollection(node) ? node.range : undefined;
  if (!range) return undefined;
  return isBlockScalar(node) ? range[0] + source.text.slice(range[0], range[1]).trimEnd().length : range[1];
}

function lastEnd(source: YamlSource, node: YAMLMap | YAMLSeq): number | undefined {
  const index = node.items.length - 1;
  return partEnd(source, node, index);
}

/** Where the pair or item at `index` ends. */
export function partEnd(source: YamlSource, holder: YAMLMap | YAMLSeq, index: number): number | undefined {
  const part: unknown = holder.items[index];
  const value = isMap(holder) ? holder.items[index]?.value : part;
  return endOf(source, value) ?? lastProperty(partTokens(holder, index)) ?? (isMap(holder) ? endOf(source, holder.items[index]?.key) : undefined);
}

/** Where the pair or item at `index` begins: at its key, or at its dash. Undefined for forms that are not patched (`? key`). */
export function partStart(holder: YAMLMap | YAMLSeq, index: number): number | undefined {
  const item = cstItem(holder, index);
  if (item === undefined || item.start.some((token) => token.type === 'explicit-key-ind')) return undefined;
  if (isFlow(holder) || isMap(holder)) {
    const property = item.start.find((token) => token.type === 'anchor' || token.type === 'tag');
    return property?.offset ?? startOf(isMap(holder) ? holder.items[index]?.key : holder.items[index]);
  }
  return item.start.find((token) => token.type === 'seq-item-ind')?.offset;
}

/** Where a value's text may go: behind `:` or `-` and any anchor or tag. */
export function valuePosition(spot: Spot): number | undefined {
  return spot.holder === undefined ? undefined : lastProperty(partTokens(spot.holder, spot.index));
}

/** The tokens between a key (or the start of an item) and its value. */
function partTokens(holder: YAMLMap | YAMLSeq, index: number): readonly CST.SourceToken[] {
  const item = cstItem(holder, index);
  return (isMap(holder) ? item?.sep : item?.start) ?? [];
}

function lastProperty(tokens: readonly CST.SourceToken[]): number | undefined {
  const token = tokens.findLast(({ type }) => type === 'map-value-ind' || type === 'seq-item-ind' || type === 'anchor' || type === 'tag');
  return token === undefined ? undefined : token.offset + token.source.length;
}

function cstItem(holder: YAMLMap | YAMLSeq, index: number): CST.CollectionItem | undefined {
  if (isMap(holder)) return holder.items[index]?.srcToken;
  const token = holder.srcToken;
  return token !== undefined && 'items' in token ? token.items[index] : undefined;
}

export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** Behind the line end of the line that `offset` is in; the end of the text on its last line. */
export function nextLine(text: string, offset: number): number {
  const end = text.indexOf('\n', offset);
  return end === -1 ? text.length : end + 1;
}

export function columnOf(text: string, offset: number): number {
  return offset - lineStart(text, offset);
}

/** True when only blanks stand before `offset` on its line. */
export function isFirstOnLine(text: string, offset: number): boolean {
  return text.slice(lineStart(text, offset), offset).trim() === '';
}
