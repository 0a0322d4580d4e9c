import { err, ok, type Result } from '../../fault/result.ts';
import { readMemberStep, type MemberStep } from './member-step.ts';

export type QueryOperator = '==' | '!=' | '<' | '<=' | '>' | '>=' | '%' | '!%';

/** `name=="x"`: what stands at `path` below an item of a list, compared with a text. */
export interface QueryTerm {
  /** Empty: the item itself. */
  readonly path: readonly MemberStep[];
  /** Undefined: it is there. */
  readonly operator: QueryOperator | undefined;
  readonly value: string;
}

/** Terms between `||`, each a list of those between `&&`. */
export type ItemQuery = readonly (readonly QueryTerm[])[];

/**
 * Reads what stands inside `#(…)`. An error says what is wrong with the path.
 * @see https://github.com/tidwall/gjson/blob/master/SYNTAX.md#queries
 */
export function parseItemQuery(text: string): Result<ItemQuery, string> {
  const either: (readonly QueryTerm[])[] = [];
  for (const part of splitOutsideQuotes(text, '||')) {
    const all: QueryTerm[] = [];
    for (const written of splitOutsideQuotes(part, '&&')) {
      const term = parseTerm(written.trim());
      if (!term.ok) return term;
      all.push(term.value);
    }
    either.push(all);
  }
  return ok(either);
}

function parseTerm(text: string): Result<QueryTerm, string> {
  if (text === '') return err('has a query with an empty condition');
  const at = findOperator(text);
  const path = parseTermPath(text.slice(0, at).trim());
  if (!path.ok) return path;
  if (at === text.length) return ok({ path: path.value, operator: undefined, value: '' });
  const sign = /^(?:==|=|!=|!%|<=|<|>=|>|%)/.exec(text.slice(at))?.[0];
  if (sign === undefined) return err(`has a query with the unknown operator \`${text.slice(at, at + 2)}\``);
  const value = parseValue(text.slice(at + sign.length).trim());
  return value.ok ? ok({ path: path.value, operator: operatorOf(sign), value: value.value }) : value;
}

function operatorOf(sign: string): QueryOperator {
  switch (sign) {
    case '!=':
    case '<':
    case '<=':
    case '>':
    case '>=':
    case '%':
    case '!%':
      return sign;
    default:
      return '==';
  }
}

function findOperator(text: string): number {
  let at = 0;
  while (at < text.length && !/[=!<>%]/.test(text[at] ?? '')) at += text[at] === '\\' ? 2 : 1;
  return Math.min(at, text.length);
}

function parseTermPath(text: string): Result<readonly MemberStep[], string> {
  const steps: MemberStep[] = [];
  if (text === '') return ok(steps);
  if (/[#()]/.test(text)) return err('has a query inside a query, which is not understood here');
  for (let at = 0; at <= text.length; ) {
    const read = readMemberStep(text, at);
    if (!read.ok) return read;
    steps.push(read.value.step);
    at = read.value.end + 1;
  }
  return ok(steps);
}

function parseValue(text: string): Result<string, string> {
  if (text.startsWith('"')) {
    const value = parseJsonText(text);
    return typeof value === 'string' ? ok(value) : err('has a query whose text is not closed by `"`');
  }
  if (text === '' || /["'~]/.test(text)) return err('has a query with an unusable value; write texts in double quotes');
  return ok(text);
}

function parseJsonText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function splitOutsideQuotes(text: string, separator: string): readonly string[] {
  const parts: string[] = [];
  let start = 0;
  let isQuoted = false;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === '\\') at++;
    else if (text[at] === '"') isQuoted = !isQuoted;
    else if (!isQuoted && text.startsWith(separator, at)) {
      parts.push(text.slice(start, at));
      start = at + separator.length;
      at = start - 1;
    }
  }
  return [...parts, text.slice(start)];
}
