import { err, ok, type Result } from '../../fault/result.ts';
import { askDaemon } from '../control.ts';
import { findControlSocket } from '../data-dir.ts';
import type { CliProcess } from '../process-env.ts';
import type { StoreRefusal } from './account-store.ts';
import { toDaemonRefusal } from './daemon-refusal.ts';

/**
 * The socket of the daemon that runs on a config; undefined when none does. One that is there but does not answer is a
 * refusal: working beside it would show it changes it did not make.
 */
export async function findDaemon(cli: CliProcess, configFlag: string | undefined): Promise<Result<string | undefined, StoreRefusal>> {
  const socket = findControlSocket(cli, configFlag);
  if (!socket.ok) return err({ code: 'config_missing', message: socket.error });
  const status = await askDaemon(socket.value, '/v0/management/status');
  if (status.ok) return ok(socket.value);
  return status.error.kind === 'not_running' ? ok(undefined) : err(toDaemonRefusal(status.error, socket.value));
}
