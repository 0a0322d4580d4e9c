import type { ClientAnswer } from '../http/client-answer.ts';
import { AppError } from '../fault/app-error.ts';
import type { Result } from '../fault/result.ts';
import type { AccessToken, TokenFault, TokenKeeper } from '../tokens/ports.ts';
import type { RunningExchange } from './running.ts';

export type Tokens = Pick<TokenKeeper, 'acquire' | 'renew'>;
type Acquired = Result<AccessToken, TokenFault>;

/** Who waits: a client that may leave, or be sent away. */
export interface Waiting {
  readonly res: ClientAnswer;
  readonly running: Pick<RunningExchange, 'onEnd'>;
}

/** The login's token; a promise only where it must be waited for. The wait ends with the client's. */
export function acquireToken(tokens: Tokens, loginKey: string, waiting: Waiting): Acquired | Promise<Acquired> {
  const gone = new AbortController();
  const acquired = tokens.acquire(loginKey, gone.signal);
  return acquired instanceof Promise ? endWithClient(waiting, gone, acquired) : acquired;
}

/** Another token than the one that the upstream refused. The wait ends with the client's. */
export function renewToken(tokens: Tokens, loginKey: string, refused: AccessToken, waiting: Waiting): Promise<Acquired> {
  const gone = new AbortController();
  return endWithClient(waiting, gone, tokens.renew(loginKey, refused, gone.signal));
}

async function endWithClient({ res, running }: Waiting, gone: AbortController, wait: Promise<Acquired>): Promise<Acquired> {
  const onClose = (): void => gone.abort(new Error('the client closed the connection'));
  res.once('close', onClose);
  const offEnd = running.onEnd((why) => gone.abort(why));
  if (res.destroyed) onClose();
  try {
    return await wait;
  } finally {
    res.off('close', onClose);
    offEnd();
  }
}

/** How soon asking again may help; absent for what does not pass by itself. */
const retryAfterSeconds: Readonly<Partial<Record<TokenFault['reason'], number>>> = { refresh_in_progress: 1, refresh_failed: 5 };

/** Milliseconds after which the fault may be over; undefined when it needs a person. */
export function faultPassesMs(fault: TokenFault): number | undefined {
  const seconds = fault.kind === 'needs_login' ? undefined : retryAfterSeconds[fault.reason];
  return seconds === undefined ? undefined : seconds * 1_000;
}

/** What the client is told when no account had a token: the class of the reason, never which account (contract §8). */
export function refuseWithoutToken(fault: TokenFault): AppError {
  if (fault.kind === 'needs_login') {
    return new AppError('account_unavailable', { message: 'The account that serves this model needs a new login; the operator sees which in `keyward status`.', fields: { reason: 'needs_login' } });
  }
  const seconds = retryAfterSeconds[fault.reason];
  return new AppError('account_unavailable', {
    message: 'The account that serves this model has no usable token right now; the operator sees why in `keyward status`.',
    fields: { reason: fault.reason },
    headers: seconds === undefined ? {} : { 'retry-after': String(seconds) },
  });
}
