import type { Result } from '../../fault/result.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import { askManagement, type AskingFlags, type ManagementAnswer } from '../ask-management.ts';
import { isRecord, type ControlCall } from '../control.ts';
import type { CliProcess } from '../process-env.ts';

export type KeyAnswer = ManagementAnswer;

/** What every command of managed keys takes. */
export type KeysFlags = AskingFlags;

/** One call below `/client-keys` of the running daemon; keys are made nowhere else, so that there must be one. */
export function askKeys(cli: CliProcess, flags: KeysFlags, path: string, call: ControlCall): Promise<Result<KeyAnswer, StoreRefusal>> {
  return askManagement(cli, flags, `/client-keys${path}`, call);
}

export function textOf(answer: KeyAnswer, name: string): string {
  const value = answer[name];
  return typeof value === 'string' ? value : '';
}

/** Members of a list that are objects. */
export function recordsOf(answer: KeyAnswer, name: string): readonly KeyAnswer[] {
  const value = answer[name];
  return Array.isArray(value) ? value.filter(isRecord) : [];
}
