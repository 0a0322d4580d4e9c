import type { Readable } from 'node:stream';
import type { Clock } from '../clock/clock.ts';
import { AppError, toAppError } from '../fault/app-error.ts';
import { renderFault } from '../http/fault-wire.ts';
import type { Inbound } from '../http/inbound.ts';
import { endpointPath } from '../providers/endpoint.ts';
import { sendableValue, upstreamQuery, upstreamRequestHeaders } from '../providers/header-lists.ts';
import type { RequestLog } from '../log/request-log.ts';
import type { Candidate, RouteQuery, Router } from '../routing/ports.ts';
import { candidateKey } from '../routing/router.ts';
import { attempt, type AttemptEnd, type AttemptRequest } from './attempt.ts';
import type { AnswerSummary } from './answer-sink.ts';
import type { ProxySnapshot } from './limits.ts';
import type { ProxyOperation } from './operation.ts';
import type { ResponseOwners } from './ports.ts';
import { ClientGone } from './read-body.ts';
import { judge, type Verdict } from './refusal.ts';
import type { SettleExchange } from './settled.ts';
import type { Upstream, Upstreams } from './upstreams.ts';

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
  readonly owners: ResponseOwners;
  readonly settle: SettleExchange;
}

/** Numbers that grow over one exchange. */
interface Progress {
  attempts: number;
  firstByteMs: number | undefined;
  candidate: Candidate | undefined;
}

/**
 * Serves one prepared request: picks accounts until one answers, sends that answer, settles once. Nothing is retried
 * after the first byte; a client that leaves ends attempts and waits alike. Never rejects.
 */
export async function exchange(deps: ExchangeDeps, inbound: Inbound<ProxySnapshot>, request: PreparedRequest, log: RequestLog): Promise<void> {
  const progress: Progress = { attempts: 0, firstByteMs: undefined, candidate: undefined };
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
    else if (end.kind === 'answered') {
      const { summary } = end;
      finish(end.status, summary.isTruncated ? 'stream_truncated' : summary.hasFailed ? 'upstream_stream_error' : 'ok', summary);
    } else if (end.kind === 'passed_on') finish(end.status, 'upstream_refused');
  } catch (thrown) {
    if (thrown instanceof ClientGone) finish(499, 'client_closed');
    else {
      const error = toAppError(thrown);
      refuse(inbound, request.operation.dialect, error);
      finish(error.status, error.code, undefined, error);
    }
  } finally {
    await request.dispose();
  }
}

type End = Extract<AttemptEnd, { readonly kind: 'answered' | 'client_gone' }> | { readonly kind: 'passed_on'; readonly status: number };

async function tryCandidates(deps: ExchangeDeps, inbound: Inbound<ProxySnapshot>, request: PreparedRequest, progress: Progress, log: RequestLog): Promise<End> {
  const { limits } = inbound.snapshot;
  const query: RouteQuery = { model: request.model, dialect: request.operation.dialect, operation: request.operation.operation };
  let tried = new Set<string>();
  let roundsLeft = limits.extraRounds;
  let hasUsedFreeRetry = false;
  let best: { readonly verdict: Verdict; readonly end: Extract<AttemptEnd, { readonly kind: 'refused' | 'broken' }> } | undefined;

  for (;;) {
    const picked = tried.size >= limits.maxAccountsPerRound ? undefined : pick(deps.router, inbound, request, query, tried);
    if (picked === undefined || !picked.ok) {
      const error = picked?.error;
      const waitMs = waitBeforeRound(error, best?.verdict, limits.maxWaitMs);
      if (roundsLeft > 0 && waitMs !== undefined) {
        roundsLeft--;
        tried = new Set();
        await waitFor(deps.clock, inbound, waitMs);
        continue;
      }
      if (best === undefined) throw error ?? new AppError('account_unavailable');
      return answerFailure(inbound, best.end, best.verdict);
    }

    const candidate = picked.value;
    progress.candidate = candidate;
    progress.attempts++;
    const end = await tryOne(deps, inbound, request, candidate, progress, log);

    if (end.kind === 'answered') {
      deps.router.settle(candidate, query, end.summary.isTruncated ? { kind: 'failure', status: 0 } : { kind: 'success' });
      return end;
    }
    if (end.kind === 'client_gone') {
      deps.router.settle(candidate, query, { kind: 'neutral' });
      return end;
    }
    const verdict = judge(end, deps.clock.nowMs());
    if (verdict.isConnectionLoss && !hasUsedFreeRetry) {
      // A pooled connection that the upstream had closed meanwhile says nothing of the account.
      hasUsedFreeRetry = true;
      deps.router.settle(candidate, query, { kind: 'neutral' });
      continue;
    }
    deps.router.settle(candidate, query, verdict.outcome);
    tried.add(candidateKey(candidate));
    best = { verdict, end };
    if (!verdict.isRetryable) return answerFailure(inbound, end, verdict);
  }
}

/** One attempt; whatever keeps it from being made counts as a broken upstream, so that the pick is settled. */
async function tryOne(deps: ExchangeDeps, inbound: Inbound<ProxySnapshot>, request: PreparedRequest, candidate: Candidate, progress: Progress, log: RequestLog): Promise<AttemptEnd> {
  try {
    const prepared = deps.upstreams.prepare(candidate.account, inbound.snapshot.limits.proxyUrl);
    const upstream = prepared instanceof Promise ? await prepared : prepared;
    return await attempt(attemptRequest(deps, inbound, request, candidate, upstream, progress, log), inbound.res);
  } catch (thrown) {
    return { kind: 'broken', cause: thrown instanceof Error ? thrown : new Error('the attempt could not be made'), wasSent: false };
  }
}

function pick(router: Router, inbound: Inbound<ProxySnapshot>, request: PreparedRequest, query: RouteQuery, tried: ReadonlySet<string>): ReturnType<Router['pick']> {
  const { routes } = inbound.snapshot;
  if (request.pinnedAccountId === undefined) return router.pick(routes, query, tried);
  const account = routes.accounts.find((each) => each.id === request.pinnedAccountId && !each.disabled);
  if (account === undefined || tried.size > 0) return { ok: false, error: new AppError('account_unavailable', { message: 'The account that made this response is no longer available.' }) };
  if (request.model === '') return { ok: true, value: { account, upstreamModel: '' } };
  // Being bound to an account opens none of the models that it is not configured to serve.
  const candidates = routes.candidatesFor(request.model);
  const named = candidates.find((each) => each.account.id === account.id);
  if (named !== undefined) return { ok: true, value: named };
  if (candidates.length === 0) return router.pick(routes, query, tried);
  return { ok: false, error: new AppError('model_not_found', { message: `The account that made the previous response does not serve the model "${request.model}".`, fields: { param: 'model' } }) };
}

function waitBeforeRound(error: AppError | undefined, verdict: Verdict | undefined, maxWaitMs: number): number | undefined {
  if (maxWaitMs <= 0) return undefined;
  const stated = error?.code === 'model_cooldown' ? Number(error.fields['reset_seconds']) * 1_000 : verdict?.isRetryable === true ? 0 : Number.NaN;
  return Number.isFinite(stated) && stated <= maxWaitMs ? stated : undefined;
}

async function waitFor(clock: Clock, inbound: Inbound<ProxySnapshot>, ms: number): Promise<void> {
  const gone = new AbortController();
  const onClose = (): void => gone.abort(new ClientGone());
  inbound.res.once('close', onClose);
  try {
    await clock.sleep(ms, gone.signal);
  } finally {
    inbound.res.off('close', onClose);
  }
}

function attemptRequest(deps: ExchangeDeps, inbound: Inbound<ProxySnapshot>, request: PreparedRequest, candidate: Candidate, upstream: Upstream, progress: Progress, log: RequestLog): AttemptRequest {
  const { operation, method } = request;
  const { body, length } = request.open(candidate.upstreamModel);
  const { limits } = inbound.snapshot;
  if (Buffer.isBuffer(body)) log.requestChunk(body);
  const path = endpointPath(candidate.account, upstream.basePath, { operation: operation.operation, tail: operation.tail, upstreamModel: candidate.upstreamModel });
  log.attempt({ accountId: candidate.account.id, upstream: `${upstream.origin}${path}` });
  return {
    upstream,
    log,
    method,
    path: `${path}${upstreamQuery(operation.dialect, inbound.target.query)}`,
    headers: requestHeaders(inbound, operation, upstream, body === null ? undefined : length),
    body,
    headersTimeoutMs: limits.headersTimeoutMs,
    idleTimeoutMs: limits.idleTimeoutMs,
    dialect: operation.dialect,
    isStream: request.isStream,
    isBinary: operation.answers === 'binary',
    answerHeaders: ['x-request-id', inbound.id],
    onFirstByte: () => {
      progress.firstByteMs ??= deps.clock.monotonicMs() - inbound.startedMs;
    },
  };
}

function requestHeaders(inbound: Inbound<ProxySnapshot>, operation: ProxyOperation, upstream: Upstream, length: number | undefined): readonly string[] {
  const allowed = upstreamRequestHeaders(operation.dialect);
  const sent = inbound.req.headers;
  // Identity: a coded stream could not be watched for its end.
  const flat = [...upstream.fixedHeaders, 'accept-encoding', 'identity'];
  for (const name in sent) {
    const value = sent[name];
    if (typeof value === 'string' && allowed.has(name) && !upstream.fixedNames.has(name)) flat.push(name, value);
  }
  if (operation.dialect === 'anthropic-messages' && sent['anthropic-version'] === undefined) flat.push('anthropic-version', '2023-06-01');
  if (length !== undefined) {
    flat.push('content-length', String(length));
    if (sent['content-type'] === undefined) flat.push('content-type', 'application/json');
  }
  return flat;
}

function answerFailure(inbound: Inbound<ProxySnapshot>, end: Extract<AttemptEnd, { readonly kind: 'refused' | 'broken' }>, verdict: Verdict): End {
  if (end.kind === 'broken' || !verdict.passesOn) throw verdict.error;
  const { res } = inbound;
  const flat = ['x-request-id', inbound.id, 'content-length', String(end.body.length)];
  for (const name of ['content-type', 'retry-after', 'retry-after-ms', 'request-id', 'x-should-retry'] as const) {
    const value: unknown = end.headers[name];
    const sendable = typeof value === 'string' ? sendableValue(value) : undefined;
    if (sendable !== undefined) flat.push(name, sendable);
    else if (name === 'content-type') flat.push(name, 'application/json');
  }
  res.writeHead(end.status, flat);
  res.end(end.body);
  return { kind: 'passed_on', status: end.status };
}

/** Answers with an error in the dialect, if an answer can still be given. */
export function refuse(inbound: Inbound<unknown>, dialect: ProxyOperation['dialect'], error: AppError): void {
  const { req, res } = inbound;
  if (res.headersSent || res.destroyed) return;
  const wire = renderFault(error, dialect, inbound.id);
  // A body that was not read is not waited for.
  const close = req.complete ? {} : { connection: 'close' };
  res.writeHead(wire.status, { ...wire.headers, 'content-length': String(Buffer.byteLength(wire.body)), ...close });
  res.end(wire.body);
}
