import type { Readable } from 'node:stream';
import type { Account } from '../accounts/account.ts';
import { endpointPath } from '../providers/endpoint.ts';
import { joinBetas, upstreamQuery, upstreamRequestHeaders } from '../providers/header-lists.ts';
import type { Candidate } from '../routing/ports.ts';
import type { AccessToken } from '../tokens/ports.ts';
import type { AttemptRequest } from './attempt.ts';
import { codeAssistQuery, encloseRequest, envelopeOfAnswer } from './code-assist.ts';
import type { PreparedRequest } from './exchange.ts';
import type { ProxyInbound } from './limits.ts';
import type { ProxyOperation } from './operation.ts';
import type { Upstream } from './upstreams.ts';

/** Where one attempt goes, and by whose right. */
export interface AttemptTarget {
  readonly candidate: Candidate;
  readonly upstream: Upstream;
  /** A login's; undefined for accounts with a key. */
  readonly token: AccessToken | undefined;
}

/** The request as the account's upstream wants it: its path, its credential, its envelope. */
export function buildAttempt(inbound: ProxyInbound, request: PreparedRequest, target: AttemptTarget, more: Pick<AttemptRequest, 'log' | 'onFirstByte'>): AttemptRequest {
  const { operation, method } = request;
  const { candidate: { account, upstreamModel }, upstream, token } = target;
  const { limits } = inbound.snapshot;
  const { query } = inbound.target;
  const isEnveloped = account.addressing === 'code-assist';
  const { body, length } = openBody(request, account, upstreamModel);
  const path = endpointPath(account, upstream.basePath, { operation: operation.operation, tail: operation.tail, upstreamModel });
  if (Buffer.isBuffer(body)) more.log.requestChunk(body);
  more.log.attempt({ accountId: account.id, upstream: `${upstream.origin}${path}` });
  return {
    ...more,
    upstream,
    method,
    path: `${path}${isEnveloped ? codeAssistQuery(operation.tail) : upstreamQuery(operation.dialect, query)}`,
    headers: requestHeaders(inbound, operation, target, body === null ? undefined : length),
    body,
    headersTimeoutMs: limits.headersTimeoutMs,
    idleTimeoutMs: limits.idleTimeoutMs,
    dialect: operation.dialect,
    isStream: request.isStream,
    isBinary: operation.answers === 'binary',
    envelope: isEnveloped ? envelopeOfAnswer(operation.tail, query) : undefined,
    secrets: token === undefined ? upstream.secrets : [...upstream.secrets, token.value],
    answerHeaders: ['x-request-id', inbound.id],
  };
}

function openBody(request: PreparedRequest, account: Account, model: string): { readonly body: Buffer | Readable | null; readonly length: number } {
  const opened = request.open(model);
  if (account.addressing !== 'code-assist') return opened;
  if (!Buffer.isBuffer(opened.body)) throw new TypeError('only JSON bodies go into an envelope');
  const body = encloseRequest(opened.body, { verb: request.operation.tail, model, project: account.project });
  return { body, length: body.length };
}

function requestHeaders(inbound: ProxyInbound, operation: ProxyOperation, { candidate, upstream, token }: AttemptTarget, length: number | undefined): readonly string[] {
  const allowed = upstreamRequestHeaders(operation.dialect);
  const sent = inbound.req.headers;
  const { anthropicBetas } = candidate.account;
  // Identity: a coded stream could not be watched for its end.
  const flat = [...upstream.fixedHeaders, 'accept-encoding', 'identity'];
  if (token !== undefined && !upstream.fixedNames.has('authorization')) flat.push('authorization', `Bearer ${token.value}`);
  for (const name in sent) {
    const value = sent[name];
    if (typeof value !== 'string' || !allowed.has(name) || upstream.fixedNames.has(name)) continue;
    flat.push(name, name === 'anthropic-beta' ? joinBetas(value, anthropicBetas) : value);
  }
  if (operation.dialect === 'anthropic-messages') {
    if (sent['anthropic-version'] === undefined) flat.push('anthropic-version', '2023-06-01');
    if (sent['anthropic-beta'] === undefined && anthropicBetas.length > 0 && !upstream.fixedNames.has('anthropic-beta')) flat.push('anthropic-beta', joinBetas('', anthropicBetas));
  }
  if (length !== undefined) {
    flat.push('content-length', String(length));
    if (sent['content-type'] === undefined) flat.push('content-type', 'application/json');
  }
  return flat;
}
