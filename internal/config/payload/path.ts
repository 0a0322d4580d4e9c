import { err, ok, type Result } from '../../fault/result.ts';
import { parseItemQuery, type ItemQuery } from './item-query.ts';
import { readMemberStep, type MemberStep } from './member-step.ts';

/** A step to those items of a list that a query takes: the first, or all. */
export interface QueryStep {
  readonly kind: 'query';
  readonly query: ItemQuery;
  readonly takesAll: boolean;
}

export type PathStep = MemberStep | QueryStep;

const maxLength = 512;
const maxSteps = 32;

/**
 * Reads a path of a payload rule, as the Go program's files have them: `a.b`, `tools.0`, `tools.-1`, `users.:7`, `a\.b`,
 * `tools.#(type=="x").name`, `tools.#(type=="x")#`. The rest of that language (wildcards in names, `|`, `@` modifiers, `#`
 * alone, queries in queries) is refused. An error is what to say of the path, as the end of a sentence.
 */
export function parsePayloadPath(text: string): Result<readonly PathStep[], string> {
  if (text.length > maxLength) return err(`is longer than ${maxLength} characters`);
  const steps: PathStep[] = [];
  for (let at = 0; at <= text.length; ) {
    const read = text[at] === '#' ? readQueryStep(text, at) : readMemberStep(text, at);
    if (!read.ok) return read;
    steps.push(read.value.step);
    at = read.value.end + 1;
    if (steps.length > maxSteps) return err(`has more than ${maxSteps} parts`);
  }
  return ok(steps);
}

function readQueryStep(text: string, from: number): Result<{ readonly step: QueryStep; readonly end: number }, string> {
  if (text[from + 1] !== '(') return err('holds `#` by itself, which is not understood here; write `#(…)` with a condition, or `\\#` for the sign itself');
  const close = findClose(text, from + 2);
  if (close === undefined) return err('has a query that is not closed by `)`');
  const query = parseItemQuery(text.slice(from + 2, close));
  if (!query.ok) return query;
  const takesAll = text[close + 1] === '#';
  const end = close + (takesAll ? 2 : 1);
  if (end < text.length && text[end] !== '.') return err('goes on behind a query without a dot');
  return ok({ step: { kind: 'query', query: query.value, takesAll }, end });
}

/** Where the parenthesis before `from` is closed; quotes and backslashes hide what is in or behind them. */
function findClose(text: string, from: number): number | undefined {
  let depth = 1;
  let isQuoted = false;
  for (let at = from; at < text.length; at++) {
    const sign = text[at];
    if (sign === '\\') at++;
    else if (sign === '"') isQuoted = !isQuoted;
    else if (!isQuoted && sign === '(') depth++;
    else if (!isQuoted && sign === ')' && --depth === 0) return at;
  }
  return undefined;
}
