import type { AppError } from '../fault/app-error.ts';
import type { RequestLog } from '../log/request-log.ts';
import type { Candidate } from '../routing/ports.ts';
import type { AccessToken, TokenFault } from '../tokens/ports.ts';
import { attempt, type AttemptEnd } from './attempt.ts';
import { buildAttempt } from './attempt-request.ts';
import type { ExchangeDeps, PreparedRequest, Progress } from './exchange.ts';
import type { ProxyInbound } from './limits.ts';
import type { Translation } from './load-translation.ts';
import { acquireToken, renewToken } from './login-token.ts';
import { estimate, hasNoCounting, isCounting, planFor } from './plan.ts';
import type { Translated } from './translation/translate.ts';
import type { Upstream } from './upstreams.ts';

/** How trying one candidate ended; `no_token`: its login had none, or none that the upstream takes. */
export type TryEnd =
  | AttemptEnd
  /** The account's dialect cannot say it; nothing was sent. */
  | { readonly kind: 'untranslatable'; readonly error: AppError }
  | { readonly kind: 'no_token'; readonly fault: TokenFault; readonly wasRefused: boolean };

/** One candidate's turn within an exchange. */
export interface Try {
  readonly deps: ExchangeDeps;
  readonly inbound: ProxyInbound;
  readonly request: PreparedRequest;
  readonly candidate: Candidate;
  readonly progress: Progress;
  readonly log: RequestLog;
  readonly translation: () => Translation | Promise<Translation>;
}

/** Whatever keeps an attempt from being made counts as a broken upstream, so that the pick is settled. */
export async function tryCandidate(the: Try): Promise<TryEnd> {
  const { deps, inbound, candidate: { account } } = the;
  try {
    const prepared = deps.upstreams.prepare(account, inbound.snapshot.limits.proxyUrl);
    const upstream = prepared instanceof Promise ? await prepared : prepared;
    const plan = planFor(the);
    const asked = plan instanceof Promise ? await plan : plan;
    if (asked.kind === 'untranslatable') return asked;
    if (asked.kind === 'estimate') return await estimate(the);
    const { translated } = asked;
    const end = await (account.credential.kind === 'login' ? tryLogin(the, { upstream, translated }, account.credential.loginKey) : send(the, { upstream, translated }, undefined));
    const isUncounted = end.kind === 'refused' && isCounting(the.request.operation.operation) && hasNoCounting(end.status);
    return isUncounted ? await estimate(the) : end;
  } catch (thrown) {
    return { kind: 'broken', cause: thrown instanceof Error ? thrown : new Error('the attempt could not be made'), wasSent: false };
  }
}

interface Asked {
  readonly upstream: Upstream;
  readonly translated: Translated | undefined;
}

function send({ deps, inbound, request, candidate, progress, log }: Try, { upstream, translated }: Asked, token: AccessToken | undefined): Promise<AttemptEnd> {
  progress.attempts++;
  const onFirstByte = (): void => {
    deps.router.begun(candidate);
    progress.firstByteMs ??= deps.clock.monotonicMs() - inbound.startedMs;
  };
  return attempt(buildAttempt(inbound, request, { candidate, upstream, token, translated }, { log, onFirstByte, clock: deps.clock, keepAlive: progress.keepAlive, running: progress.running, rates: ratesFor(request, progress) }), inbound.res);
}

const noRates: readonly string[] = [];

function ratesFor({ operation: { dialect } }: PreparedRequest, { lease }: Progress): readonly string[] {
  return lease === undefined ? noRates : lease.rateHeaders(dialect === 'anthropic-messages' ? 'anthropic' : 'openai');
}

/**
 * An attempt by a login's token. A 401 says that the token is no longer good, not that the account is: it is renewed once,
 * and the request sent once more, since nothing of an answer has gone out.
 */
async function tryLogin(the: Try, asked: Asked, loginKey: string): Promise<TryEnd> {
  const { deps: { tokens }, inbound: { res }, progress: { running } } = the;
  const acquired = acquireToken(tokens, loginKey, { res, running });
  const first = acquired instanceof Promise ? await acquired : acquired;
  if (res.destroyed) return { kind: 'client_gone', wasTaken: false, summary: undefined };
  if (!first.ok) return { kind: 'no_token', fault: first.error, wasRefused: false };
  const end = await send(the, asked, first.value);
  if (end.kind !== 'refused' || end.status !== 401) return end;
  const newer = await renewToken(tokens, loginKey, first.value, { res, running });
  if (res.destroyed) return { kind: 'client_gone', wasTaken: false, summary: undefined };
  return newer.ok ? send(the, asked, newer.value) : { kind: 'no_token', fault: newer.error, wasRefused: true };
}
