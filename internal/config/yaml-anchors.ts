import { isAlias, isCollection, isScalar, visit, type Alias } from 'yaml';
import { findSpots } from './yaml-layout.ts';
import { applyPatches, type YamlStep } from './yaml-patch.ts';
import { renderInline } from './yaml-render.ts';
import type { YamlSource } from './yaml-source.ts';
import { valueOfTree } from './yaml-value.ts';
import { readNode } from './yaml-tree.ts';

/**
 * The text with those aliases written out whose anchor the step is about to change, so that nobody else's value changes
 * with it. Undefined when there are none.
 */
export function detachAliases(source: YamlSource, step: YamlStep): string | undefined {
  const spots = findSpots(source, step.path);
  const target = spots.at(-1)?.node;
  const isWholePath = spots.length === step.path.length + 1;
  const touched = new Set<unknown>(spots.map((spot) => spot.node));
  const inside = new Set<unknown>();
  if (isWholePath && step.kind !== 'insert') {
    visitNode(source, target, (node) => {
      touched.add(node);
      inside.add(node);
    });
  }
  const aliases: Alias[] = [];
  visit(source.document, {
    Alias: (_key, alias) => {
      if (!inside.has(alias) && touched.has(alias.resolve(source.document))) aliases.push(alias);
    },
  });
  if (aliases.length === 0) return undefined;
  const patches = aliases.flatMap((alias) => {
    const value = readNode(source.document, alias.resolve(source.document));
    return alias.range ? [{ from: alias.range[0], to: alias.range[1], text: renderInline(valueOfTree(value), 'QUOTE_DOUBLE', true) }] : [];
  });
  return applyPatches(source.text, patches);
}

/** How many steps of `path` lead to an alias that stands for the rest; undefined when none is in the way. */
export function aliasOnPath(source: YamlSource, path: readonly (string | number)[]): number | undefined {
  const spots = findSpots(source, path);
  return spots.length < path.length + 1 && isAlias(spots.at(-1)?.node) ? spots.length - 1 : undefined;
}

function visitNode(source: YamlSource, root: unknown, see: (node: unknown) => void): void {
  if (!isScalar(root) && !isAlias(root) && !isCollection(root)) return;
  let isInside = false;
  visit(source.document, {
    Node: (_key, node) => {
      const range = node.range;
      const outer = root.range;
      isInside = range !== null && range !== undefined && outer !== null && outer !== undefined && range[0] >= outer[0] && range[1] <= outer[1];
      if (isInside || node === root) see(node);
    },
  });
}
