import type { ConfigProblem } from './problem.ts';
import { parseYaml } from './yaml-source.ts';
import { readTree, type YamlTree } from './yaml-tree.ts';

/**
 * The problems with their places in the text they are about, where they have none yet: those found in decoded settings
 * know a dotted path alone. What does not stand in the text is placed at the section it would belong to, or nowhere.
 */
export function locateProblems(text: string, problems: readonly ConfigProblem[]): readonly ConfigProblem[] {
  if (problems.every((problem) => problem.line !== undefined)) return problems;
  const source = parseYaml(text);
  const tree = source.ok ? readTree(source.value) : source;
  if (!source.ok || !tree.ok) return problems;
  return problems.map((problem) => {
    const offset = problem.line === undefined ? offsetOf(tree.value, problem.path) : undefined;
    return offset === undefined ? problem : { ...problem, ...source.value.placeOf(offset) };
  });
}

/** Where the value at a dotted path stands, or the nearest thing around it; undefined when nothing of it is there. */
function offsetOf(root: YamlTree, path: string): number | undefined {
  let tree: YamlTree | undefined = root;
  let offset: number | undefined;
  for (const step of path.split('.')) {
    tree = childOf(tree, step);
    if (tree === undefined) return offset;
    offset = tree.offset;
  }
  return offset;
}

function childOf(tree: YamlTree, step: string): YamlTree | undefined {
  if (tree.kind === 'map') return tree.members.find((member) => member.name === step)?.value;
  return tree.kind === 'list' ? tree.items[Number(step)] : undefined;
}
