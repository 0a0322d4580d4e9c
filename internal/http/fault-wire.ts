import { proofAlgorithms } from './dpop-proof.ts';
import type { IncomingHttpHeaders } from 'node:http';
import type { Dialect } from '../dialect/dialect.ts';
import { geminiNameOf } from '../dialect/gemini/status-names.ts';
import type { AppError } from '../fault/app-error.ts';
import { faults } from '../fault/codes.ts';

/** How an error is shown: in the caller's dialect, or as the management API does. */
export type FaultDialect = Dialect | 'management';

export interface FaultAnswer {
  readonly status: number;
  /** Lower-case names; without framing headers. */
  readonly headers: Readonly<Record<string, string>>;
  /** JSON. */
  readonly body: string;
}

const longWaitSeconds = 60;

/**
 * The one way an error reaches the wire. Message, type and code stand in every envelope (contract §3); Gemini's keeps its
 * own types (security rule 18). `cause` is never shown.
 */
export function renderFault(error: AppError, dialect: FaultDialect, requestId: string): FaultAnswer {
  return { status: error.status, headers: headersOf(error, requestId), body: JSON.stringify(envelopeOf(error, dialect, requestId)) };
}

/**
 * The dialect errors on a path are shown in: the path decides; below `/v1/models`, Gemini verbs and then the headers do
 * (`anthropic-version`, `x-goog-api-key`).
 */
export function dialectOfPath(path: string, headers: IncomingHttpHeaders): FaultDialect {
  if (isBelow(path, '/v1beta')) return 'gemini';
  if (isBelow(path, '/v1/messages')) return 'anthropic-messages';
  if (isBelow(path, '/v1/responses')) return 'openai-responses';
  if (isBelow(path, '/v0/management')) return 'management';
  if (!isBelow(path, '/v1/models')) return 'openai-chat';
  if (geminiVerbPattern.test(path)) return 'gemini';
  if (headers['anthropic-version'] !== undefined) return 'anthropic-messages';
  return headers['x-goog-api-key'] === undefined ? 'openai-chat' : 'gemini';
}

// Model ids hold colons too (`llama3:8b`), so only the verbs count.
const geminiVerbPattern = /:(?:generateContent|streamGenerateContent|countTokens|embedContent|batchEmbedContents)$/;

/** True for the path itself and everything below it. */
export function isBelow(path: string, prefix: string): boolean {
  return path.startsWith(prefix) && (path.length === prefix.length || path[prefix.length] === '/');
}

function envelopeOf(error: AppError, dialect: FaultDialect, requestId: string): unknown {
  const { message, code, fields } = error;
  const { type } = faults[code];
  switch (dialect) {
    case 'anthropic-messages':
      return { type: 'error', error: { ...fields, type, message, code }, request_id: requestId };
    case 'gemini':
      return {
        error: {
          ...fields,
          code: error.status,
          message,
          status: geminiNameOf(error.status),
          type,
          details: [{ '@type': 'type.googleapis.com/google.rpc.ErrorInfo', reason: code, domain: 'keyward' }],
        },
      };
    case 'management':
      // Contract §5: exactly these two members where management is off.
      return code === 'not_found' ? { error: { message, type } } : { error: { message, type, code, ...fields } };
    case 'openai-chat':
    case 'openai-responses':
      return { error: { message, type, code, ...fields } };
  }
}

function headersOf(error: AppError, requestId: string): Readonly<Record<string, string>> {
  return {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'x-request-id': requestId,
    ...(error.status === 401 || error.code === 'scope_not_allowed' ? { 'www-authenticate': challengeOf(error) } : {}),
    ...(error.code === 'account_unavailable' || Number(error.headers['retry-after'] ?? 0) > longWaitSeconds ? { 'x-should-retry': 'false' } : {}),
    ...error.headers,
  };
}

/** For whoever used that scheme. @see RFC 9449 §7.1 */
export function challengeForProof({ code }: Pick<AppError, 'code'>): string {
  const said = code === 'invalid_dpop_proof' ? `error="${code}"` : `error="invalid_token", error_description="${code}"`;
  return `DPoP realm="keyward", ${said}, algs="${proofAlgorithms}"`;
}

/** The code stands in the challenge too: clients of a refused upgrade often see no body. RFC 6750 §3: no `error` where nothing was presented. */
function challengeOf(error: AppError): string {
  if (error.code === 'invalid_dpop_proof') return challengeForProof(error);
  if (error.code === 'scope_not_allowed') {
    const { scope } = error.fields;
    return `Bearer realm="keyward", error="insufficient_scope", error_description="${error.code}"${typeof scope === 'string' ? `, scope="${scope}"` : ''}`;
  }
  const isMissing = error.code === 'missing_api_key' || error.code === 'missing_management_key';
  return `Bearer realm="keyward"${isMissing ? '' : ', error="invalid_token"'}, error_description="${error.code}"`;
}
