import { isDeepStrictEqual } from 'node:util';
import { isMembers, valueAt } from './members.ts';
import type { YamlStep } from './yaml-patch.ts';
import { nest } from './yaml-patch.ts';
import type { YamlTree } from './yaml-tree.ts';

/** A document as plain JSON; the root of an empty one is `{}`. */
export function valueOfTree(tree: YamlTree): unknown {
  switch (tree.kind) {
    case 'null':
      return null;
    case 'scalar':
      return tree.value;
    case 'list':
      return tree.items.map(valueOfTree);
    case 'map':
      return Object.fromEntries(tree.members.map(({ name, value }) => [name, valueOfTree(value)]));
  }
}

/** `undefined` members and anything else that JSON does not have are gone. */
export function asJson(value: unknown): unknown {
  const json = JSON.stringify(value);
  return json === undefined ? null : JSON.parse(json);
}

export function isSameValue(left: unknown, right: unknown): boolean {
  return isDeepStrictEqual(left, right);
}

/** What the value becomes by the step; a `TypeError` where its path leads through something that is neither list nor map. */
export function applyStep(root: unknown, step: YamlStep): unknown {
  if (step.kind === 'insert') {
    return changeAt(root, step.path, (list) => {
      const items = list === undefined || list === null ? [] : list;
      if (!Array.isArray(items)) throw new TypeError(`config edit: ${step.path.join('.')} is no list`);
      return items.toSpliced(step.index, 0, step.value);
    });
  }
  const name = step.path.at(-1);
  if (name === undefined) return step.kind === 'set' ? step.value : {};
  return changeAt(root, step.path.slice(0, -1), (holder) => changeMember(holder, name, step));
}

function changeMember(holder: unknown, name: string | number, step: Exclude<YamlStep, { kind: 'insert' }>): unknown {
  if (Array.isArray(holder) && typeof name === 'number') {
    if (name > holder.length) throw new TypeError(`config edit: ${step.path.join('.')} is beyond the end of its list`);
    return step.kind === 'delete' ? holder.toSpliced(name, 1) : holder.toSpliced(name, 1, step.value);
  }
  if (holder === undefined || holder === null) return step.kind === 'delete' ? holder : nest([name], step.value);
  if (!isMembers(holder)) throw new TypeError(`config edit: ${step.path.join('.')} leads nowhere`);
  const others = Object.entries(holder).filter(([member]) => member !== String(name));
  if (step.kind === 'delete') return Object.fromEntries(others);
  return Object.hasOwn(holder, name) ? Object.fromEntries(Object.entries(holder).map(([member, value]) => [member, member === String(name) ? step.value : value])) : Object.fromEntries([...others, [String(name), step.value]]);
}

function changeAt(root: unknown, path: readonly (string | number)[], change: (value: unknown) => unknown): unknown {
  const [first, ...rest] = path;
  if (first === undefined) return change(root);
  const inner = changeAt(valueAt(root, [first]), rest, change);
  // Deleting below what is not there makes nothing.
  if (inner === undefined) return root;
  return changeMember(root, first, { kind: 'set', path, value: inner });
}
