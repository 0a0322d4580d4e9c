import type { Readable } from 'node:stream';
import type { Lease } from '../clients/limits/lease.ts';
import type { Limits } from '../clients/limits/limits.ts';
import type { Clock } from '../clock/clock.ts';
import type { DialectCodec } from '../dialect/codec.ts';
import type { Dialect } from '../dialect/dialect.ts';
import type { JsonRecord } from '../dialect/ir/json.ts';
import type { IrRequest } from '../dialect/ir/request.ts';
import { AppError, toAppError } from '../fault/app-error.ts';
import type { RequestLog } from '../log/request-log.ts';
import type { Candidate, RouteQuery, Router } from '../routing/ports.ts';
import { mayBeServedBy, refuseDisallowedAccounts } from '../routing/account-limits.ts';
import { mayUse, refuseDisallowedModel } from '../routing/model-limits.ts';
import { candidateKey } from '../routing/router.ts';
import { answerFailure, refuse, type Failure } from './answer-failure.ts';
import type { AttemptEnd } from './attempt.ts';
import type { AnswerSummary } from './answer-sink.ts';
import type { ProxyInbound } from './limits.ts';
import type { Translation } from './load-translation.ts';
import { faultPassesMs, refuseWithoutToken, type Tokens } from './login-token.ts';
import { keepsNothing } from './plan.ts';
import type { ProxyOperation } from './operation.ts';
import type { ResponseOwners } from './ports.ts';
import { ClientGone } from './read-body.ts';
import { isConnectionLoss, judge, type Verdict } from './refusal.ts';
import { findSessionMark } from './session-key.ts';
import { asksForEvents } from './code-assist.ts';
import { refuseDisallowedFallbacks } from './fallback-models.ts';
import { createKeepAlive, noKeepAlive, type KeepAlive } from './keep-alive.ts';
import type { RunningExchange } from './running.ts';
import type { SettleExchange } from './settled.ts';
import { lossOf, type Loss } from './spending.ts';
import { takeLease } from './take-lease.ts';
import { tryCandidate, type TryEnd } from './try-candidate.ts';
import type { Upstreams } from './upstreams.ts';

/** A request ready to be sent to any candidate. */
export interface PreparedRequest {
  readonly operation: ProxyOperation;
  readonly method: 'POST' | 'GET' | 'DELETE';
  /** As the client named it; `''` for requests that name none (stored responses). */
  readonly model: string;
  readonly isStream: boolean;
  /** Size of the client's body, for estimates. */
  readonly requestBytes: number;
  /** A fresh body for an attempt, with the upstream's model name in it. */
  readonly open: (upstreamModel: string) => { readonly body: Buffer | Readable | null; readonly length: number };
  /** What the body is written in; the answer is in the operation's dialect. */
  readonly spoken: Dialect;
  /** The request in no dialect's words, decoded by the codec of what is spoken at the first call; undefined where the operation cannot be translated. */
  readonly decode: ((codec: DialectCodec) => IrRequest) | undefined;
  /** The JSON body as the client sent it. */
  readonly bytes: Buffer | undefined;
  /** Keeps the response here; undefined where the client, or the operator, does not want that. */
  readonly keepHere: ((response: JsonRecord) => void) | undefined;
  /** Only this account may serve it: the one that made what it refers to. */
  readonly pinnedAccountId: string | undefined;
  /** The upstream keeps the response, so its id is bound to the caller. */
  readonly isStored: boolean;
  readonly dispose: () => Promise<void>;
}

export interface ExchangeDeps {
  readonly clock: Clock;
  readonly router: Router;
  readonly upstreams: Upstreams;
  readonly tokens: Tokens;
  readonly owners: ResponseOwners;
  readonly settle: SettleExchange;
  readonly limits: Limits;
}

/** How what translates is come by. */
export interface Loading {
  readonly translation: () => Translation | Promise<Translation>;
}

/** Numbers that grow over one exchange. */
export interface Progress {
  readonly keepAlive: KeepAlive;
  readonly running: RunningExchange;
  attempts: number;
  firstByteMs: number | undefined;
  candidate: Candidate | undefined;
  loss: Loss | undefined;
  /** Of the caller's limits; `settle` ends it. */
  lease: Lease | undefined;
}

/**
 * Serves one prepared request: picks accounts until one answers, sends that answer, settles once. Nothing is retried
 * after the first byte; a client that leaves, or may not go on, ends attempts and waits alike. Never rejects.
 */
export async function exchange(deps: ExchangeDeps & Loading, inbound: ProxyInbound, request: PreparedRequest, log: RequestLog, running: RunningExchange): Promise<void> {
  const progress: Progress = { keepAlive: startKeepAlive(deps, inbound, request), running, attempts: 0, firstByteMs: undefined, candidate: undefined, loss: undefined, lease: undefined };
  const finish = (status: number, outcome: string, summary?: AnswerSummary, error?: AppError): void => {
    deps.settle(inbound, request, progress, { status, outcome, summary });
    log.end(status, error);
  };
  try {
    const end = await tryCandidates(deps, inbound, request, progress, log);
    // Also for a client that left: what the upstream keeps is still its own.
    const storedIds = end.kind === 'passed_on' ? [] : (end.summary?.storedIds ?? []);
    if (request.isStored && progress.candidate !== undefined) {
      const owner = { principalId: inbound.principal.id, accountId: progress.candidate.account.id };
      for (const id of storedIds) deps.owners.remember(id, owner);
    }
    if (end.kind === 'client_gone') finish(499, 'client_closed', end.summary);
    else if (end.kind === 'ended') finish(end.status, end.error.code, end.summary, end.error);
    else if (end.kind === 'answered') {
      const { summary } = end;
      if (summary.response !== undefined && progress.candidate !== undefined && keepsNothing(progress.candidate.account)) request.keepHere?.(summary.response);
      finish(end.status, summary.isTruncated ? 'stream_truncated' : summary.hasFailed ? 'upstream_stream_error' : 'ok', summary);
    } else if (end.kind === 'passed_on') finish(end.status, 'upstream_refused');
  } catch (thrown) {
    if (thrown instanceof ClientGone) finish(499, 'client_closed');
    else {
      const error = toAppError(thrown);
      refuse(inbound, request.operation.dialect, error, progress.keepAlive);
      finish(error.status, error.code, undefined, error);
    }
  } finally {
    progress.keepAlive.stop();
    await request.dispose();
  }
}

function startKeepAlive({ clock }: ExchangeDeps, { res, id, snapshot: { limits }, target }: ProxyInbound, { isStream, operation: { dialect } }: PreparedRequest): KeepAlive {
  if (!isStream || limits.keepAliveMs === 0 || (dialect === 'gemini' && !asksForEvents(target.query))) return noKeepAlive;
  return createKeepAlive({ clock, answer: res, dialect, quietMs: limits.keepAliveMs, headers: ['x-request-id', id] });
}

type End = Extract<AttemptEnd, { readonly kind: 'answered' | 'client_gone' | 'ended' }> | { readonly kind: 'passed_on'; readonly status: number };

async function tryCandidates(deps: ExchangeDeps & Loading, inbound: ProxyInbound, request: PreparedRequest, progress: Progress, log: RequestLog): Promise<End> {
  const { limits } = inbound.snapshot;
  const query = routeQuery(inbound, request);
  if (request.model !== '' && !mayUse(inbound.principal, request.model)) throw refuseDisallowedModel(request.model);
  refuseDisallowedFallbacks(inbound.principal, request.bytes);
  progress.lease = takeLease(deps.limits, inbound.principal, request, limits);
  let tried = new Set<string>();
  let round = 0;
  /** Nobody needs to know in the first round. */
  let further: FurtherRounds | undefined;
  let hasUsedFreeRetry = false;
  let bootstrapsLeft = request.isStream ? limits.bootstrapRetries : 0;
  let isBootstrapping = false;
  let lack: Lack | undefined;
  let best: Failure | undefined;
  /** Why a dialect could not say it; another account's may. */
  let untold: AppError | undefined;

  for (;;) {
    refuseEnded(progress.running);
    const isSpent = tried.size >= limits.maxAccountsPerRound || (isBootstrapping && bootstrapsLeft === 0);
    const picked = isSpent ? undefined : pick(deps.router, inbound, request, query, further === undefined ? tried : further.without(round, tried));
    if (picked === undefined || !picked.ok) {
      const error = picked?.error;
      if (bootstrapsLeft > 0 && best?.verdict.isRetryable === true && tried.size > 0) {
        isBootstrapping = true;
        tried = new Set();
        continue;
      }
      const waitMs = waitBeforeRound({ error, verdict: best?.verdict, lack }, limits.maxWaitMs);
      further ??= waitMs === undefined ? undefined : planRounds(inbound, request);
      if (further !== undefined && waitMs !== undefined && round < further.count) {
        round++;
        isBootstrapping = false;
        tried = new Set();
        await waitFor(deps.clock, inbound, progress.running, waitMs);
        continue;
      }
      if (best === undefined) throw untold ?? refusalOf(error, lack);
      return { kind: 'passed_on', status: answerFailure(inbound, request.operation.dialect, progress.keepAlive, best) };
    }

    const candidate = picked.value;
    progress.candidate = candidate;
    if (isBootstrapping) bootstrapsLeft--;
    const the = { deps, inbound, request, candidate, progress, log, translation: deps.translation };
    let end = await tryCandidate(the);
    if (!hasUsedFreeRetry && end.kind === 'broken' && isConnectionLoss(end.cause)) {
      // A pooled connection that the upstream had closed meanwhile says nothing of the account; a second loss does.
      hasUsedFreeRetry = true;
      end = await tryCandidate(the);
    }
    progress.loss = lossOf(end) ?? progress.loss;

    if (end.kind === 'answered') {
      // Of an estimate the upstream knows nothing.
      deps.router.settle(candidate, query, end.isEstimate === true ? { kind: 'neutral' } : end.summary.isTruncated ? { kind: 'failure', status: 0 } : { kind: 'success' });
      return end;
    }
    if (end.kind === 'client_gone' || end.kind === 'ended') {
      deps.router.settle(candidate, query, { kind: 'neutral' });
      if (end.kind === 'ended' && end.summary === undefined) throw end.error;
      return end;
    }
    if (end.kind === 'no_token') {
      // Only an upstream that refused the token says something of the account; that its refresh fails passes.
      deps.router.settle(candidate, query, end.wasRefused && end.fault.kind === 'unavailable' ? { kind: 'failure', status: 0 } : { kind: 'neutral' });
      tried.add(candidateKey(candidate));
      if (lack === undefined || end.fault.kind === 'unavailable') lack = end;
      continue;
    }
    if (end.kind === 'untranslatable') {
      deps.router.settle(candidate, query, { kind: 'neutral' });
      tried.add(candidateKey(candidate));
      untold ??= end.error;
      continue;
    }
    const { account, upstreamModel } = candidate;
    const verdict = judge(end, { credential: account.credential.kind, upstreamModel, isPinned: request.pinnedAccountId !== undefined, nowMs: deps.clock.nowMs() });
    deps.router.settle(candidate, query, verdict.outcome);
    tried.add(candidateKey(candidate));
    best = { verdict, end };
    if (!verdict.isRetryable) return { kind: 'passed_on', status: answerFailure(inbound, request.operation.dialect, progress.keepAlive, best) };
  }
}

function routeQuery({ principal, snapshot: { routes }, req }: ProxyInbound, { model, bytes, operation: { dialect, operation } }: PreparedRequest): RouteQuery {
  const session = routes.settings.affinityTtlMs === undefined ? undefined : findSessionMark({ headers: req.headers, body: bytes, principalId: principal.id, operation });
  return { model, dialect, operation, session, holders: principal.holders };
}

/** The rounds over the accounts that follow the first. */
interface FurtherRounds {
  readonly count: number;
  /** What a pick in that round passes over: what was tried, and who is in no such round any more. */
  readonly without: (round: number, tried: ReadonlySet<string>) => ReadonlySet<string>;
}

function planRounds({ snapshot: { routes, limits } }: ProxyInbound, { model, pinnedAccountId }: PreparedRequest): FurtherRounds {
  const ownRounds = ({ account }: Candidate): number => account.extraRounds ?? limits.extraRounds;
  if (pinnedAccountId !== undefined) {
    const account = routes.accounts.find(({ id }) => id === pinnedAccountId);
    return { count: account?.extraRounds ?? limits.extraRounds, without: (_, tried) => tried };
  }
  const candidates = routes.candidatesFor(model);
  if (candidates.every(({ account }) => account.extraRounds === undefined)) return { count: limits.extraRounds, without: (_, tried) => tried };
  return {
    count: Math.max(...candidates.map((each) => (each.account.disabled ? 0 : ownRounds(each)))),
    without: (round, tried) => (round === 0 ? tried : new Set([...tried, ...candidates.filter((each) => ownRounds(each) < round).map(candidateKey)])),
  };
}

function pick(router: Router, inbound: ProxyInbound, request: PreparedRequest, query: RouteQuery, tried: ReadonlySet<string>): ReturnType<Router['pick']> {
  const { routes } = inbound.snapshot;
  if (request.pinnedAccountId === undefined) return router.pick(routes, query, tried);
  const account = routes.accounts.find((each) => each.id === request.pinnedAccountId && !each.disabled);
  if (account !== undefined && !mayBeServedBy(query, account)) return { ok: false, error: refuseDisallowedAccounts(request.model) };
  if (account === undefined || tried.size > 0) return { ok: false, error: new AppError('account_unavailable', { message: 'The account that made this response is no longer available.' }) };
  if (request.model === '') return { ok: true, value: { account, upstreamModel: '' } };
  // Being bound to an account opens none of the models that it is not configured to serve.
  const candidates = routes.candidatesFor(request.model);
  const named = candidates.find((each) => each.account.id === account.id);
  if (named !== undefined) return { ok: true, value: named };
  if (candidates.length === 0) return router.pick(routes, query, tried);
  return { ok: false, error: new AppError('model_not_found', { message: `The account that made the previous response does not serve the model "${request.model}".`, fields: { param: 'model' } }) };
}

/** Why a login had no token. */
type Lack = Extract<TryEnd, { readonly kind: 'no_token' }>;

/** What a round over all accounts left behind. */
interface Leftovers {
  /** The router's refusal. */
  readonly error: AppError | undefined;
  readonly verdict: Verdict | undefined;
  readonly lack: Lack | undefined;
}

function waitBeforeRound({ error, verdict, lack }: Leftovers, maxWaitMs: number): number | undefined {
  if (maxWaitMs <= 0) return undefined;
  const passesMs = lack === undefined ? undefined : faultPassesMs(lack.fault);
  const stated = error?.code === 'model_cooldown' ? Number(error.fields['reset_seconds']) * 1_000 : verdict?.isRetryable === true ? 0 : (passesMs ?? Number.NaN);
  return Number.isFinite(stated) && stated <= maxWaitMs ? stated : undefined;
}

/**
 * Waiting for a cooldown is better advice than why a token is missing, unless the cooldown came of just that; and that is
 * better than "all failed".
 */
function refusalOf(error: AppError | undefined, lack: Lack | undefined): AppError {
  if (lack === undefined || (error?.code === 'model_cooldown' && !lack.wasRefused)) return error ?? new AppError('account_unavailable');
  return refuseWithoutToken(lack.fault);
}

/** Throws why the caller may not go on. */
function refuseEnded({ end }: RunningExchange): void {
  const why = end();
  if (why !== undefined) throw why;
}

async function waitFor(clock: Clock, inbound: ProxyInbound, running: RunningExchange, ms: number): Promise<void> {
  const gone = new AbortController();
  const onClose = (): void => gone.abort(new ClientGone());
  inbound.res.once('close', onClose);
  const offEnd = running.onEnd((why) => gone.abort(why));
  try {
    await clock.sleep(ms, gone.signal);
  } finally {
    inbound.res.off('close', onClose);
    offEnd();
  }
}
