import { describeControlFailure, type ControlFailure } from '../control.ts';
import type { StoreRefusal } from './account-store.ts';

/** What a person is told when the daemon refuses or is silent; refusals keep their code of the error table. */
export function toDaemonRefusal(failure: ControlFailure, socketPath: string): StoreRefusal {
  if (failure.kind !== 'refused') return { code: failure.kind, message: describeControlFailure(failure, socketPath) };
  return { code: failure.code === '' ? `http_${failure.status}` : failure.code, message: failure.message };
}

/** An answer that is not what the daemon's routes promise: another version runs there. */
export function unexpectedAnswer(socketPath: string): StoreRefusal {
  return { code: 'unexpected_answer', message: `The daemon on ${socketPath} answered something else than expected; restart it, so that it is of the same version as this command.` };
}
