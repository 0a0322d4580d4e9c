import { err, ok, type Result } from '../../fault/result.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import { toDaemonRefusal, unexpectedAnswer } from '../accounts/daemon-refusal.ts';
import { callDaemon, isRecord, type ControlCall } from '../control.ts';
import { findControlSocket } from '../data-dir.ts';
import type { CliProcess } from '../process-env.ts';

export type KeyAnswer = Readonly<Record<string, unknown>>;

/** What every command of managed keys takes. */
export interface KeysFlags {
  readonly config?: string;
  readonly json: boolean;
}

/** One call below `/client-keys` of the running daemon; keys are made nowhere else, so that there must be one. */
export async function askKeys(cli: CliProcess, flags: KeysFlags, path: string, call: ControlCall): Promise<Result<KeyAnswer, StoreRefusal>> {
  const socket = findControlSocket(cli, flags.config);
  if (!socket.ok) return err({ code: 'config_missing', message: socket.error });
  const answer = await callDaemon(socket.value, `/v0/management/client-keys${path}`, call);
  if (!answer.ok) return err(toDaemonRefusal(answer.error, socket.value));
  return isRecord(answer.value) ? ok(answer.value) : err(unexpectedAnswer(socket.value));
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
