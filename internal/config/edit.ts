import { AppError } from '../fault/app-error.ts';
import type { ConfigEdit, ConfigPath } from './ports.ts';
import { aliasOnPath, detachAliases } from './yaml-anchors.ts';
import { columnOf, findSpots, lineStart, nextLine, partEnd, partStart } from './yaml-layout.ts';
import { patchText, type YamlStep } from './yaml-patch.ts';
import { parseYaml, type YamlSource } from './yaml-source.ts';
import { readTree } from './yaml-tree.ts';
import { isMembers, valueAt } from './members.ts';
import { applyStep, asJson, isSameValue, valueOfTree } from './yaml-value.ts';

interface Draft {
  readonly source: YamlSource;
  readonly value: unknown;
}

/** Beyond this many small steps a value is written anew as a whole; each step parses the text once. */
const maxSteps = 100;

/**
 * The text after the edits. Only the lines that must change do: comments, order, quoting, spacing, anchors, unknown keys
 * and CRLF survive; a value whose anchor others use changes for itself alone. What is read from the new text is exactly
 * what the edits say. Deleting what is not there changes nothing. Throws `invalid_yaml`, and a `TypeError` for a path
 * that leads through a plain value or beyond the end of a list.
 */
export function applyEdits(text: string, edits: readonly ConfigEdit[]): string {
  let draft = readDraft(text);
  if (draft === undefined) throw new AppError('invalid_yaml');
  for (const edit of edits) {
    const steps = planEdit(draft.value, edit);
    for (const step of steps) draft = takeStep(draft, step);
  }
  return draft.source.text;
}

function readDraft(text: string): Draft | undefined {
  const source = parseYaml(text);
  if (!source.ok) return undefined;
  const tree = readTree(source.value);
  return tree.ok ? { source: source.value, value: valueOfTree(tree.value) ?? {} } : undefined;
}

function planEdit(root: unknown, edit: ConfigEdit): readonly YamlStep[] {
  const before = valueAt(root, edit.path);
  switch (edit.kind) {
    case 'delete':
      return before === undefined ? [] : [edit];
    case 'append': {
      const value = asJson(edit.value);
      if (before === undefined || before === null) return [{ kind: 'set', path: edit.path, value: [value] }];
      if (!Array.isArray(before)) throw new TypeError(`config edit: ${edit.path.join('.')} is no list`);
      return [{ kind: 'insert', path: edit.path, index: before.length, value }];
    }
    case 'set': {
      const value = asJson(edit.value);
      const steps = planSet(edit.path, before, value);
      return steps.length > maxSteps ? [{ kind: 'set', path: edit.path, value }] : steps;
    }
  }
}

/** The differences between two values as steps, so that what stays the same is not touched. */
function planSet(path: ConfigPath, before: unknown, after: unknown): readonly YamlStep[] {
  if (isSameValue(before, after)) return [];
  if (Array.isArray(before) && Array.isArray(after) && before.length > 0 && after.length > 0) return planList(path, before, after);
  if (isMembers(before) && isMembers(after) && Object.keys(after).some((name) => Object.hasOwn(before, name))) {
    const gone = Object.keys(before).filter((name) => !Object.hasOwn(after, name));
    return [
      ...Object.entries(after).flatMap(([name, value]) => planSet([...path, name], before[name], value)),
      ...gone.map((name): YamlStep => ({ kind: 'delete', path: [...path, name] })),
    ];
  }
  return [{ kind: 'set', path, value: after }];
}

function planList(path: ConfigPath, before: readonly unknown[], after: readonly unknown[]): readonly YamlStep[] {
  const shortest = Math.min(before.length, after.length);
  let head = 0;
  while (head < shortest && isSameValue(before[head], after[head])) head++;
  let tail = 0;
  while (tail < shortest - head && isSameValue(before[before.length - 1 - tail], after[after.length - 1 - tail])) tail++;
  const paired = shortest - head - tail;
  const steps: YamlStep[] = [];
  for (let index = head; index < head + paired; index++) steps.push(...planSet([...path, index], before[index], after[index]));
  for (let index = before.length - tail - 1; index >= head + paired; index--) steps.push({ kind: 'delete', path: [...path, index] });
  for (let index = head + paired; index < after.length - tail; index++) steps.push({ kind: 'insert', path, index, value: after[index] });
  return steps;
}

/** Takes the least intrusive way whose result reads exactly as intended. */
function takeStep(draft: Draft, step: YamlStep): Draft {
  const value = applyStep(draft.value, step);
  const detached = detachAliases(draft.source, step);
  const start = (detached === undefined ? undefined : readDraft(detached)) ?? draft;
  const alias = aliasOnPath(start.source, step.path);
  // What an alias stands for is written out in its place, changed.
  const path = alias === undefined ? undefined : step.path.slice(0, alias);
  const actual: YamlStep = path === undefined ? step : { kind: 'set', path, value: valueAt(value, path) };
  for (const attempt of [patchText, rewriteSetting, rewriteHolder, rewriteDocument]) {
    const text = attempt(start.source, actual, value);
    const next = text === undefined ? undefined : readDraft(text);
    if (next !== undefined && isSameValue(next.value, value)) return next;
  }
  throw new TypeError(`config edit: ${step.path.join('.')} cannot be expressed`);
}

/** The library rewrites the document; of its text only the top-level setting concerned is taken over. */
function rewriteSetting(source: YamlSource, step: YamlStep, value: unknown): string | undefined {
  const name = step.path[0];
  const rewritten = rewriteDocument(source, step, value);
  if (name === undefined || rewritten === undefined) return undefined;
  const parsed = parseYaml(rewritten);
  const from = settingLines(source, name);
  const to = parsed.ok ? settingLines(parsed.value, name) : undefined;
  return from === undefined || to === undefined ? undefined : source.text.slice(0, from.start) + withLineEnds(to.text, source.text) + source.text.slice(from.end);
}

function settingLines(source: YamlSource, name: string | number): { readonly start: number; readonly end: number; readonly text: string } | undefined {
  const spot = findSpots(source, [name])[1];
  if (spot?.holder === undefined || spot.holder.flow === true) return undefined;
  const first = partStart(spot.holder, spot.index);
  const last = partEnd(source, spot.holder, spot.index);
  if (first === undefined || last === undefined || columnOf(source.text, first) !== 0) return undefined;
  const start = lineStart(source.text, first);
  const end = nextLine(source.text, last);
  return { start, end, text: source.text.slice(start, end) };
}

/** The section or list that holds the value is written anew, for what a merge key brought in. */
function rewriteHolder(source: YamlSource, step: YamlStep, value: unknown): string | undefined {
  const path = step.path.slice(0, -1);
  return path.length === 0 ? undefined : patchText(source, { kind: 'set', path, value: valueAt(value, path) });
}

function rewriteDocument(source: YamlSource, step: YamlStep, value: unknown): string | undefined {
  const document = source.document.clone();
  if (step.kind === 'delete') document.deleteIn(step.path);
  else document.setIn(step.path, document.createNode(valueAt(value, step.path)));
  return withLineEnds(document.toString({ lineWidth: 0 }), source.text);
}

function withLineEnds(text: string, model: string): string {
  const unix = text.replaceAll('\r\n', '\n');
  return model.includes('\r\n') ? unix.replaceAll('\n', '\r\n') : unix;
}
