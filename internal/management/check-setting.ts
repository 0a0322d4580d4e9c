import * as v from 'valibot';
import type { ConfigPath } from '../config/ports.ts';
import { settings, type Config } from '../config/schema.ts';
import { AppError } from '../fault/app-error.ts';
import { printPath } from './values.ts';

/**
 * Checks a value against the settings table alone, before the file is touched. `shownAs` is what the caller calls it.
 * Errors: `invalid_request` naming the first wrong field; never a value.
 */
export function checkSetting(name: keyof Config, value: unknown, shownAs: ConfigPath): void {
  const outcome = v.safeParse(settings.entries[name], value);
  const issue = outcome.issues?.[0];
  if (issue === undefined) return;
  const path = [...shownAs, ...(issue.path ?? []).map((step) => (typeof step.key === 'number' ? step.key : String(step.key)))];
  throw new AppError('invalid_request', { message: `${printPath(path)} ${complaint(issue)}`, fields: { param: printPath(path) } });
}

// A table's own sentence begins with "must"; valibot's repeat what was received, which may be a secret.
function complaint(issue: { readonly message: string; readonly expected: string | null }): string {
  if (issue.message.startsWith('must ')) return issue.message;
  return issue.expected === null ? 'is not valid' : `must be ${issue.expected}`;
}
