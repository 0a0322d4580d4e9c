import { isMap, isScalar, isSeq, visit, type YAMLMap, type YAMLSeq } from 'yaml';
import { columnOf, endOf, findSpots, isBlank, isBlockCollection, isBlockScalar, isFirstOnLine, isFlow, lineStart, nextLine, partEnd, partStart, startOf, valuePosition, type Spot } from './yaml-layout.ts';
import { hasParts, renderBlock, renderInline, renderMember, type RenderOptions, type StringStyle } from './yaml-render.ts';
import type { YamlSource } from './yaml-source.ts';

/** One smallest change of a document. */
export type YamlStep =
  | { readonly kind: 'set'; readonly path: readonly (string | number)[]; readonly value: unknown }
  | { readonly kind: 'delete'; readonly path: readonly (string | number)[] }
  /** Makes room in the list at `path`. */
  | { readonly kind: 'insert'; readonly path: readonly (string | number)[]; readonly index: number; readonly value: unknown };

interface TextPatch {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** The text after the step, changed only where it must; undefined where ranges cannot express it. Not verified. */
export function patchText(source: YamlSource, step: YamlStep): string | undefined {
  const spots = findSpots(source, step.path);
  const patches = patchesFor(source, step, spots);
  return patches === undefined ? undefined : applyPatches(source.text, patches);
}

function patchesFor(source: YamlSource, step: YamlStep, spots: readonly Spot[]): readonly TextPatch[] | undefined {
  const last = spots.at(-1);
  if (last === undefined) return undefined;
  const missing = step.path.slice(spots.length - 1);
  const isInFlow = spots.slice(0, -1).some((spot) => isFlow(spot.node));
  switch (step.kind) {
    case 'set': {
      const [name, ...deeper] = missing;
      if (last.holder === undefined && isBlank(last.node) && typeof name === 'string') return fillDocument(source, nest([name, ...deeper], step.value));
      if (name === undefined) return replaceValue(source, last, step.value, isInFlow);
      const value = nest(deeper, step.value);
      if (isMap(last.node) && typeof name === 'string') return insertMember(source, last, last.node, name, value, isInFlow);
      if (isSeq(last.node) && name === last.node.items.length) return insertItem(source, last, last.node, name, value, isInFlow);
      return isBlank(last.node) || (isScalar(last.node) && last.node.value === null) ? replaceValue(source, last, nest([name, ...deeper], step.value), isInFlow) : undefined;
    }
    case 'delete':
      return missing.length > 0 ? undefined : removePart(source, spots, isInFlow);
    case 'insert':
      return missing.length > 0 || !isSeq(last.node) ? undefined : insertItem(source, last, last.node, step.index, step.value, isInFlow);
  }
}

/** `['a', 'b'], 1` → `{ a: { b: 1 } }`; a number begins a list. */
export function nest(path: readonly (string | number)[], value: unknown): unknown {
  return path.reduceRight<unknown>((inner, step) => (typeof step === 'number' ? [inner] : { [step]: inner }), value);
}

/** The first settings of a text that has none. */
function fillDocument(source: YamlSource, value: unknown): readonly TextPatch[] {
  return [insertLines(source.text, endOfDocument(source.text, 0), renderBlock(value, 0, renderOptions(source, null)))];
}

function replaceValue(source: YamlSource, spot: Spot, value: unknown, isInFlow: boolean): readonly TextPatch[] | undefined {
  const { text } = source;
  if (spot.holder === undefined) return undefined;
  const options = renderOptions(source, spot.node ?? spot.holder);
  const start = isBlank(spot.node) ? undefined : startOf(spot.node);
  const end = endOf(source, spot.node);
  if (!hasParts(value) || isInFlow) {
    const inline = renderInline(value, styleOf(spot.node) ?? options.style, isInFlow);
    const isOnOwnLines = start !== undefined && isBlockCollection(spot.node) && isFirstOnLine(text, start);
    if (start !== undefined && end !== undefined && !isOnOwnLines) return [{ from: start, to: end, text: inline }];
    const position = valuePosition(spot);
    if (position === undefined) return undefined;
    const insertion = { from: position, to: position, text: ` ${inline}` };
    return start === undefined || end === undefined ? [insertion] : [insertion, { from: lineStart(text, start), to: nextLine(text, end), text: '' }];
  }
  const position = valuePosition(spot);
  if (position === undefined) return undefined;
  if (isSeq(spot.holder)) return replaceItem(source, position, start, end, value, options);
  const key = startOf(spot.pair?.key);
  if (key === undefined) return undefined;
  const indent = columnOf(text, key) + (Array.isArray(value) ? options.listOffset : options.stepWidth);
  const lines = renderBlock(value, isBlockCollection(spot.node) && start !== undefined && isFirstOnLine(text, start) ? columnOf(text, start) : indent, options);
  if (start === undefined || end === undefined) return [insertLines(text, nextLine(text, position), lines)];
  if (isBlockCollection(spot.node) && isFirstOnLine(text, start)) {
    return [{ from: lineStart(text, start), to: nextLine(text, end), text: `${joinLines(text, lines)}${lineEnd(text)}` }];
  }
  return [{ from: position, to: end, text: '' }, insertLines(text, nextLine(text, end), lines)];
}

/** A list item's first line stands behind the dash. */
function replaceItem(source: YamlSource, position: number, start: number | undefined, end: number | undefined, value: unknown, options: RenderOptions): readonly TextPatch[] {
  const { text } = source;
  const isBehindDash = start !== undefined && lineStart(text, start) === lineStart(text, position);
  const indent = isBehindDash ? columnOf(text, start) : columnOf(text, position) + 1;
  const block = joinLines(text, renderBlock(value, indent, options)).slice(indent);
  const from = isBehindDash ? start : position;
  return [{ from, to: end ?? position, text: isBehindDash ? block : ` ${block}` }];
}

function insertMember(source: YamlSource, spot: Spot, map: YAMLMap, name: string, value: unknown, isInFlow: boolean): readonly TextPatch[] | undefined {
  const { text } = source;
  const options = renderOptions(source, map);
  if (map.items.length === 0) return replaceValue(source, spot, { [name]: value }, isInFlow);
  const end = partEnd(source, map, map.items.length - 1);
  if (end === undefined) return undefined;
  if (isFlow(map)) return [{ from: end, to: end, text: `, ${renderInline({ [name]: value }, options.style, true).slice(2, -2)}` }];
  const first = partStart(map, 0);
  if (first === undefined) return undefined;
  return [insertLines(text, spot.holder === undefined ? endOfDocument(text, end) : nextLine(text, end), renderMember(name, value, columnOf(text, first), options))];
}

/** A new setting goes to the end of the file, behind the comments there, but before an end mark. */
function endOfDocument(text: string, contentEnd: number): number {
  const tail = text.slice(contentEnd === 0 ? 0 : nextLine(text, contentEnd));
  return /^(?:\.\.\.|---)/m.test(tail) ? nextLine(text, contentEnd) : text.length;
}

function insertItem(source: YamlSource, spot: Spot, list: YAMLSeq, index: number, value: unknown, isInFlow: boolean): readonly TextPatch[] | undefined {
  const { text } = source;
  const options = renderOptions(source, list);
  if (list.items.length === 0) return replaceValue(source, spot, [value], isInFlow);
  const start = partStart(list, Math.min(index, list.items.length - 1));
  const before = index === 0 ? undefined : partEnd(source, list, index - 1);
  if (start === undefined) return undefined;
  if (isFlow(list)) {
    const inline = renderInline(value, options.style, true);
    return [before === undefined ? { from: start, to: start, text: `${inline}, ` } : { from: before, to: before, text: `, ${inline}` }];
  }
  const indent = columnOf(text, partStart(list, 0) ?? start);
  const lines = renderBlock([value], indent, options);
  if (before !== undefined) return [insertLines(text, nextLine(text, before), lines)];
  if (isFirstOnLine(text, start)) return [insertLines(text, lineStart(text, start), lines)];
  return [{ from: start, to: start, text: `${joinLines(text, lines).slice(indent)}${lineEnd(text)}${' '.repeat(indent)}` }];
}

function removePart(source: YamlSource, spots: readonly Spot[], isInFlow: boolean): readonly TextPatch[] | undefined {
  const { text } = source;
  const spot = spots.at(-1);
  const parent = spots.at(-2);
  if (spot?.holder === undefined || parent === undefined) return undefined;
  const { holder, index } = spot;
  const start = partStart(holder, index);
  const end = partEnd(source, holder, index);
  if (start === undefined || end === undefined) return undefined;
  const isOnlyPart = holder.items.length === 1;
  if (isFlow(holder)) return isOnlyPart ? [{ from: start, to: end, text: '' }] : [removeFlowPart(source, holder, index, start, end)];
  if (isOnlyPart && parent.holder !== undefined) return replaceValue(source, parent, isMap(holder) ? {} : [], isInFlow);
  if (isFirstOnLine(text, start)) return [{ from: lineStart(text, start), to: nextLine(text, end), text: '' }];
  const next = nextLine(text, end);
  return [{ from: start, to: next + (/^[ ]*/.exec(text.slice(next))?.[0].length ?? 0), text: '' }];
}

function removeFlowPart(source: YamlSource, holder: YAMLMap | YAMLSeq, index: number, start: number, end: number): TextPatch {
  const { text } = source;
  const following = index + 1 < holder.items.length ? partStart(holder, index + 1) : undefined;
  const preceding = index > 0 ? partEnd(source, holder, index - 1) : undefined;
  if (isFirstOnLine(text, start) && /^[ \t]*,?[ \t]*(?:#.*)?\r?$/m.exec(text.slice(end, nextLine(text, end)))?.index === 0) return { from: lineStart(text, start), to: nextLine(text, end), text: '' };
  if (following !== undefined && !text.slice(end, following).includes('\n')) return { from: start, to: following, text: '' };
  if (preceding !== undefined && !text.slice(preceding, start).includes('\n')) return { from: preceding, to: end, text: '' };
  return { from: start, to: following ?? end, text: '' };
}

function renderOptions(source: YamlSource, near: unknown): RenderOptions {
  const layout = { stepWidth: 0, listOffset: -1 };
  visit(source.document, {
    Pair: (_key, pair) => {
      const key = startOf(pair.key);
      const value = startOf(pair.value);
      if (key === undefined || value === undefined || !isBlockCollection(pair.value) || !isFirstOnLine(source.text, value)) return;
      const offset = columnOf(source.text, value) - columnOf(source.text, key);
      if (isMap(pair.value) && layout.stepWidth === 0 && offset > 0) layout.stepWidth = offset;
      if (isSeq(pair.value) && layout.listOffset === -1) layout.listOffset = offset;
    },
  });
  const stepWidth = layout.stepWidth === 0 ? (layout.listOffset > 0 ? layout.listOffset : 2) : layout.stepWidth;
  return { stepWidth, listOffset: layout.listOffset === -1 ? stepWidth : layout.listOffset, style: neighbourStyle(near) };
}

/** New strings are quoted like the last one in the same list or section. */
function neighbourStyle(near: unknown): StringStyle {
  if (isScalar(near)) return styleOf(near) ?? 'QUOTE_DOUBLE';
  if (isMap(near)) return near.items.map((pair) => styleOf(pair.value)).findLast((style) => style !== undefined) ?? 'QUOTE_DOUBLE';
  if (isSeq(near)) return near.items.map((item) => (isMap(item) ? neighbourStyle(item) : styleOf(item))).findLast((style) => style !== undefined) ?? 'QUOTE_DOUBLE';
  return 'QUOTE_DOUBLE';
}

function styleOf(node: unknown): StringStyle | undefined {
  if (!isScalar(node) || typeof node.value !== 'string' || isBlockScalar(node)) return undefined;
  return node.type === 'PLAIN' || node.type === 'QUOTE_SINGLE' || node.type === 'QUOTE_DOUBLE' ? node.type : undefined;
}

function lineEnd(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

function joinLines(text: string, lines: readonly string[]): string {
  return lines.join(lineEnd(text));
}

/** Whole lines at the start of a line, or at the end of a text whose last line may lack its end. */
function insertLines(text: string, at: number, lines: readonly string[]): TextPatch {
  const isAfterLine = at === 0 || text[at - 1] === '\n';
  return { from: at, to: at, text: `${isAfterLine ? '' : lineEnd(text)}${joinLines(text, lines)}${lineEnd(text)}` };
}

/** Patches must not overlap; one that only inserts may begin where another ends. */
export function applyPatches(text: string, patches: readonly TextPatch[]): string {
  const ordered = [...patches].sort((left, right) => left.from - right.from || left.to - right.to);
  const parts: string[] = [];
  let at = 0;
  for (const patch of ordered) {
    parts.push(text.slice(at, patch.from), patch.text);
    at = patch.to;
  }
  return parts.join('') + text.slice(at);
}
