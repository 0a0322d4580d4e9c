import { AppError } from '../fault/app-error.ts';
import type { ConfigProblem } from './problem.ts';

/** `invalid_yaml` for a text that a caller sent: the first problem is the message, all of them are in `problems`. */
export function invalidYaml(problems: readonly ConfigProblem[]): AppError {
  const [first] = problems;
  const place = first?.line === undefined ? {} : { line: first.line, column: first.column ?? 1 };
  const message = first === undefined ? 'The body is not valid YAML.' : `The body is not valid YAML: line ${first.line ?? 1}, column ${first.column ?? 1}: ${first.message}.`;
  return new AppError('invalid_yaml', { message, fields: { ...place, problems } });
}
