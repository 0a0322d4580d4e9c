import type { IncomingHttpHeaders } from 'node:http';
import { withoutForeignSignatures } from '../dialect/foreign-signatures.ts';
import { endpointPath } from '../providers/endpoint.ts';
import { joinBetas, upstreamQuery, upstreamRequestHeaders } from '../providers/header-lists.ts';
import type { Candidate } from '../routing/ports.ts';
import type { AccessToken } from '../tokens/ports.ts';
import type { AttemptRequest } from './attempt.ts';
import { codeAssistQuery, encloseRequest, envelopeOfAnswer } from './code-assist.ts';
import type { PreparedRequest } from './exchange.ts';
import type { ProxyInbound } from './limits.ts';
import type { ProxyOperation } from './operation.ts';
import { partyOf } from './party.ts';
import { secretForms } from './secret-guard.ts';
import type { Translated } from './translation/translate.ts';
import type { Upstream } from './upstreams.ts';

/** Where one attempt goes, and by whose right. */
export interface AttemptTarget {
  readonly candidate: Candidate;
  readonly upstream: Upstream;
  /** A login's; undefined for accounts with a key. */
  readonly token: AccessToken | undefined;
  /** The request in the account's dialect, where that is not the client's. */
  readonly translated: Translated | undefined;
}

/** What an exchange lends each of its attempts. */
export interface AttemptContext extends Pick<AttemptRequest, 'log' | 'onFirstByte' | 'clock' | 'keepAlive' | 'running'> {
  /** What is left of the caller's own rates, as headers; flat. */
  readonly rates: readonly string[];
}

/** The request as the account's upstream wants it: its path, its credential, its envelope. */
export function buildAttempt(inbound: ProxyInbound, request: PreparedRequest, target: AttemptTarget, { rates, ...more }: AttemptContext): AttemptRequest {
  const { method } = request;
  const { candidate: { account, upstreamModel }, upstream, token, translated } = target;
  const operation = translated?.operation ?? request.operation;
  const { limits } = inbound.snapshot;
  const query = translated?.query ?? upstreamQuery(operation.dialect, inbound.target.query);
  const isEnveloped = account.addressing === 'code-assist';
  const { body, length } = openBody(inbound, request, target, operation);
  const path = endpointPath(account, upstream.basePath, { operation: operation.operation, tail: operation.tail, upstreamModel });
  if (Buffer.isBuffer(body)) more.log.requestChunk(body);
  more.log.attempt({ accountId: account.id, upstream: `${upstream.origin}${path}` });
  return {
    ...more,
    upstream,
    method,
    path: `${path}${isEnveloped ? codeAssistQuery(operation.tail) : query}`,
    headers: requestHeaders(inbound, operation, target, body === null ? undefined : length),
    body,
    headersTimeoutMs: limits.headersTimeoutMs,
    idleTimeoutMs: limits.idleTimeoutMs,
    dialect: operation.dialect,
    isStream: translated?.isUpstreamStream ?? request.isStream,
    isBinary: operation.answers === 'binary',
    envelope: isEnveloped ? envelopeOfAnswer(operation.tail, translated?.query ?? inbound.target.query) : undefined,
    secrets: token === undefined ? upstream.secrets : [...upstream.secrets, ...secretForms(token.value)],
    hasOwnRates: rates.length > 0,
    answerHeaders: ['x-request-id', inbound.id, ...rates, ...(translated === undefined || translated.dropped.length === 0 ? [] : ['x-keyward-dropped', droppedValue(translated.dropped)])],
    translation: translated?.carryBack,
  };
}

/** Names come from the client's body: only those that a header can hold are listed as they are. */
function droppedValue(names: readonly string[]): string {
  return names.map((name) => name.replace(/[^\x21-\x2b\x2d-\x7e]/g, '?').slice(0, 128)).slice(0, 64).join(', ');
}

type OpenedBody = ReturnType<PreparedRequest['open']>;

function openBody(inbound: ProxyInbound, request: PreparedRequest, { candidate, translated }: AttemptTarget, operation: ProxyOperation): OpenedBody {
  const { account, upstreamModel: model } = candidate;
  const opened = withRules(inbound, request, candidate, operation, translated === undefined ? openAsItCame(request, candidate, operation) : { body: translated.body, length: translated.body.length });
  if (account.addressing !== 'code-assist') return opened;
  if (!Buffer.isBuffer(opened.body)) throw new TypeError('only JSON bodies go into an envelope');
  const body = encloseRequest(opened.body, { verb: operation.tail, model, project: account.project });
  return { body, length: body.length };
}

/** What other vendors signed in a conversation that went elsewhere before stays behind. */
function openAsItCame(request: PreparedRequest, { account, upstreamModel }: Candidate, { dialect }: ProxyOperation): OpenedBody {
  const opened = request.open(upstreamModel);
  if (!Buffer.isBuffer(opened.body) || request.decode === undefined) return opened;
  const body = withoutForeignSignatures(opened.body, partyOf(account, dialect, upstreamModel));
  return { body, length: body.length };
}

/** The operator's `payload` rules see the body as it goes upstream. */
function withRules({ req, snapshot: { limits: { payloadRules } } }: ProxyInbound, { model, operation: { dialect: clientDialect } }: PreparedRequest, { account: { provider }, upstreamModel }: Candidate, { dialect, operation }: ProxyOperation, opened: OpenedBody): OpenedBody {
  const query = { model, upstreamModel, operation, dialect, provider, clientDialect, headers: req.headers };
  if (!Buffer.isBuffer(opened.body) || !payloadRules.applies(query)) return opened;
  const body = payloadRules.apply(opened.body, query);
  return { body, length: body.length };
}

function headersOf({ req, headersInstead }: ProxyInbound): IncomingHttpHeaders {
  return headersInstead === undefined ? req.headers : { ...req.headers, ...headersInstead };
}

function requestHeaders(inbound: ProxyInbound, operation: ProxyOperation, { candidate, upstream, token, translated }: AttemptTarget, length: number | undefined): readonly string[] {
  const allowed = upstreamRequestHeaders(operation.dialect);
  // Of a translated request nothing is the client's own: its headers speak of another protocol.
  const sent: IncomingHttpHeaders = translated === undefined || translated.isOwnDialect === true ? headersOf(inbound) : {};
  const { anthropicBetas } = candidate.account;
  // Identity: a coded stream could not be watched for its end.
  const flat = [...upstream.fixedHeaders, 'accept-encoding', 'identity'];
  if (token !== undefined && !upstream.fixedNames.has('authorization')) flat.push('authorization', `Bearer ${token.value}`);
  for (const name in sent) {
    const value = sent[name];
    // What a client takes is another thing than a stream that is put together for it.
    if (name === 'accept' && translated !== undefined) continue;
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
