import type { Duplex } from 'node:stream';
import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import { offersBeta } from '../http/carriers.ts';
import { endpointPath } from '../providers/endpoint.ts';
import { refusalHeaders } from '../providers/header-lists.ts';
import { refuseWithoutToken, type Tokens } from '../proxy/login-token.ts';
import { judge, type Verdict } from '../proxy/refusal.ts';
import { secretForms } from '../proxy/secret-guard.ts';
import type { Upstream, Upstreams } from '../proxy/upstreams.ts';
import type { Candidate, Router } from '../routing/ports.ts';
import { candidateKey } from '../routing/router.ts';
import type { TokenFault } from '../tokens/ports.ts';
import type { SocketOpening, SocketRefusal } from './opening.ts';
import type { RealtimeQuery } from './realtime-query.ts';
import { dialUpstream, type DialEnd } from './upstream-dial.ts';

export interface SessionDeps {
  readonly clock: Clock;
  readonly router: Router;
  readonly upstreams: Upstreams;
  readonly tokens: Tokens;
}

/** An upstream that takes the session, or the answer that the client gets instead. */
export type FoundSession =
  | { readonly kind: 'open'; readonly candidate: Candidate; readonly connection: Duplex; readonly secrets: readonly string[] }
  | { readonly kind: 'refused'; readonly refusal: SocketRefusal }
  | { readonly kind: 'client_gone' };

export interface Search {
  readonly query: RealtimeQuery;
  readonly progress: { attempts: number; candidate: Candidate | undefined };
  readonly signal: AbortSignal;
}

type Failed = Extract<DialEnd, { readonly kind: 'refused' | 'broken' }>;
/** `secrets`: what the upstream must not tell the client. */
type Dialled = Exclude<DialEnd, { readonly kind: 'open' }> | (Extract<DialEnd, { readonly kind: 'open' }> & { readonly secrets: readonly string[] });
type Asked = Dialled | { readonly kind: 'no_token'; readonly fault: TokenFault };

/** Asks one account after the other, until one takes the session. Throws what the client is told when none does. */
export async function findSession(deps: SessionDeps, opening: SocketOpening, search: Search): Promise<FoundSession> {
  const { routes, limits } = opening.snapshot();
  const { query, progress, signal } = search;
  const tried = new Set<string>();
  let best: { readonly verdict: Verdict; readonly end: Failed } | undefined;
  let lack: TokenFault | undefined;
  while (tried.size < limits.maxAccountsPerRound) {
    const picked = deps.router.pick(routes, query, tried);
    if (!picked.ok) {
      if (best === undefined) throw lack === undefined ? picked.error : refuseWithoutToken(lack);
      break;
    }
    const candidate = picked.value;
    progress.candidate = candidate;
    const end = await askCandidate(deps, opening, candidate, search);
    if (signal.aborted || end.kind === 'client_gone') {
      if (end.kind === 'open') end.socket.destroy();
      deps.router.settle(candidate, query, { kind: 'neutral' });
      return { kind: 'client_gone' };
    }
    if (end.kind === 'open') return { kind: 'open', candidate, connection: end.socket, secrets: end.secrets };
    tried.add(candidateKey(candidate));
    if (end.kind === 'no_token') {
      deps.router.settle(candidate, query, { kind: 'neutral' });
      lack = end.fault;
      continue;
    }
    const verdict = judge(end, { credential: candidate.account.credential.kind, upstreamModel: candidate.upstreamModel, isPinned: false, nowMs: deps.clock.nowMs() });
    deps.router.settle(candidate, query, verdict.outcome);
    best = { verdict, end };
    if (!verdict.isRetryable) break;
  }
  if (best === undefined) throw new AppError('account_unavailable');
  return { kind: 'refused', refusal: refusalOf(best.verdict, best.end) };
}

/** What the upstream said where that is for the client, else throws what is to be said in its place. */
function refusalOf(verdict: Verdict, end: Failed): SocketRefusal {
  if (end.kind === 'broken' || !verdict.passesOn) throw verdict.error;
  return { status: end.status, headers: refusalHeaders(end.headers), body: end.body.toString('utf8') };
}

/** A 401 says that a login's token is no longer good, not that the account is: it is renewed once. */
async function askCandidate(deps: SessionDeps, opening: SocketOpening, candidate: Candidate, search: Search): Promise<Asked> {
  const { credential } = candidate.account;
  try {
    const upstream = await deps.upstreams.prepare(candidate.account, opening.snapshot().limits.proxyUrl);
    const ask = (token: string | undefined): Promise<Dialled> => dial(opening, candidate, search, { upstream, token });
    if (credential.kind === 'key') return await ask(undefined);
    const first = await deps.tokens.acquire(credential.loginKey, search.signal);
    if (!first.ok) return { kind: 'no_token', fault: first.error };
    const end = await ask(first.value.value);
    if (end.kind !== 'refused' || end.status !== 401) return end;
    const newer = await deps.tokens.renew(credential.loginKey, first.value, search.signal);
    return newer.ok ? await ask(newer.value.value) : { kind: 'no_token', fault: newer.error };
  } catch (thrown) {
    if (search.signal.aborted) return { kind: 'client_gone' };
    return { kind: 'broken', cause: thrown instanceof Error ? thrown : new Error('the upstream could not be asked'), wasSent: false };
  }
}

async function dial(opening: SocketOpening, { account, upstreamModel }: Candidate, { query, progress, signal }: Search, { upstream, token }: { readonly upstream: Upstream; readonly token: string | undefined }): Promise<Dialled> {
  progress.attempts++;
  const parameters = new URLSearchParams({ model: upstreamModel, ...(query.intent === undefined ? {} : { intent: query.intent }) });
  const headers = [...upstream.fixedHeaders];
  if (token !== undefined && !upstream.fixedNames.has('authorization')) headers.push('authorization', `Bearer ${token}`);
  const beta = betaOf(opening);
  if (beta !== undefined && !upstream.fixedNames.has('openai-beta')) headers.push('openai-beta', beta);
  const path = `${endpointPath(account, upstream.basePath, { operation: 'realtime', tail: '/realtime', upstreamModel })}?${parameters.toString()}`;
  const end = await dialUpstream({ upstream, path, headers, timeoutMs: opening.snapshot().limits.headersTimeoutMs, signal });
  const secrets = token === undefined ? upstream.secrets : [...upstream.secrets, ...secretForms(token)];
  if (end.kind === 'open') return { ...end, secrets };
  if (end.kind !== 'refused') return end;
  const isTelling = secrets.some((secret) => end.body.includes(secret));
  return isTelling ? { ...end, body: Buffer.from('{"error":{"message":"The upstream refused the session.","type":"api_error","code":"upstream_error"}}') } : end;
}

/** Browsers cannot send headers, so they say it in a sub-protocol. */
function betaOf({ req: { headers } }: SocketOpening): string | undefined {
  const stated = headers['openai-beta'];
  if (typeof stated === 'string') return stated;
  return offersBeta(headers) ? 'realtime=v1' : undefined;
}
