import type { ItemQuery, QueryTerm } from '../config/payload/item-query.ts';
import type { MemberStep } from '../config/payload/member-step.ts';
import type { PathStep } from '../config/payload/path.ts';
import type { PayloadTree } from './payload-tree.ts';

/** The places that a path means in a body as it is now: one, unless it holds queries. They need not be there. */
export function resolvePath(root: PayloadTree, path: readonly PathStep[]): readonly (readonly MemberStep[])[] {
  let places: readonly (readonly MemberStep[])[] = [[]];
  for (const step of path) {
    places = step.kind === 'member' ? places.map((place) => [...place, step]) : places.flatMap((place) => takenItems(root.find(place), step).map((index): readonly MemberStep[] => [...place, { kind: 'member', name: '', index }]));
  }
  return places;
}

function takenItems(list: PayloadTree | undefined, { query, takesAll }: Extract<PathStep, { readonly kind: 'query' }>): readonly number[] {
  const taken: number[] = [];
  for (const [index, item] of (list?.items() ?? []).entries()) {
    if (!fits(item, query)) continue;
    taken.push(index);
    if (!takesAll) break;
  }
  return taken;
}

function fits(item: PayloadTree, query: ItemQuery): boolean {
  return query.some((terms) => terms.every((term) => fitsTerm(item, term)));
}

/** What is missing fits no comparison, `!=` included; nor does a container. */
function fitsTerm(item: PayloadTree, { path, operator, value }: QueryTerm): boolean {
  const found = item.find(path);
  if (found === undefined) return false;
  if (operator === undefined) return true;
  if (found.isContainer()) return false;
  const actual = found.toJson();
  if (typeof actual === 'string') return compareTexts(actual, operator, value);
  if (typeof actual === 'number') return compareOrdered(actual, operator, Number(value));
  return operator === '==' ? String(actual) === value : operator === '!=' && String(actual) !== value;
}

function compareTexts(actual: string, operator: NonNullable<QueryTerm['operator']>, value: string): boolean {
  if (operator === '%') return fitsPattern(actual, value);
  if (operator === '!%') return !fitsPattern(actual, value);
  return compareOrdered(actual, operator, value);
}

function compareOrdered<T extends string | number>(actual: T, operator: NonNullable<QueryTerm['operator']>, value: T): boolean {
  switch (operator) {
    case '==':
      return actual === value;
    case '!=':
      return actual !== value;
    case '<':
      return actual < value;
    case '<=':
      return actual <= value;
    case '>':
      return actual > value;
    case '>=':
      return actual >= value;
    case '%':
    case '!%':
      return false;
  }
}

/** `*` fits any run of characters, `?` any one, and `\` takes the next sign for itself. Letter case counts. */
export function fitsPattern(text: string, pattern: string): boolean {
  const signs = [...pattern.matchAll(/\\([\s\S])|([\s\S])/g)].map(([, escaped, plain]) => ({ sign: escaped ?? plain ?? '', isPlain: escaped !== undefined }));
  let at = 0;
  let next = 0;
  let star = -1;
  let resumeAt = 0;
  while (at < text.length) {
    const { sign, isPlain } = signs[next] ?? { sign: '', isPlain: true };
    if (sign === '*' && !isPlain) {
      star = next++;
      resumeAt = at;
    } else if (sign !== '' && (sign === text[at] || (sign === '?' && !isPlain))) {
      at++;
      next++;
    } else if (star >= 0) {
      next = star + 1;
      at = ++resumeAt;
    } else return false;
  }
  return signs.slice(next).every(({ sign, isPlain }) => sign === '*' && !isPlain);
}
