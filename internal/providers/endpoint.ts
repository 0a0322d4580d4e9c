import type { Account } from '../accounts/account.ts';
import type { Operation } from '../dialect/dialect.ts';

/** The part of a request that names its endpoint. */
export interface EndpointQuery {
  readonly operation: Operation;
  /** Path below `/v1` as the client called it, e.g. `/images/edits`; for Gemini the verb, e.g. `generateContent`. */
  readonly tail: string;
  readonly upstreamModel: string;
}

/**
 * Where an account's vendor serves an operation: the path to request, base path included. Destinations come from the
 * account alone; nothing a client sends gets in but a model name, percent-encoded.
 */
export function endpointPath(account: Account, basePath: string, query: EndpointQuery): string {
  switch (account.addressing) {
    case 'plain':
      return `${basePath}${query.tail}`;
    case 'versioned':
      return basePath.endsWith('/v1') ? `${basePath}${query.tail}` : `${basePath}/v1${query.tail}`;
    case 'gemini':
      return `${geminiVersion(basePath)}/models/${encodeModel(query.upstreamModel)}:${query.tail}`;
    case 'vertex': {
      const versioned = /\/v\d\w*(\/|$)/.test(basePath) ? basePath : `${basePath}/v1`;
      const publisher = versioned.endsWith('/publishers/google') ? versioned : `${versioned}/publishers/google`;
      return `${publisher}/models/${encodeModel(query.upstreamModel)}:${query.tail}`;
    }
    case 'code-assist':
      return `${basePath.endsWith('/v1internal') ? basePath : `${basePath}/v1internal`}:${query.tail}`;
  }
}

/**
 * Where an account's vendor tells which models it has, query included; undefined where no such place is known. A page has
 * as many as the vendor gives.
 * @see https://platform.openai.com/docs/api-reference/models/list
 * @see https://docs.anthropic.com/en/api/models-list
 * @see https://ai.google.dev/api/models#method:-models.list
 */
export function modelListPath(account: Account, basePath: string): string | undefined {
  switch (account.addressing) {
    case 'plain':
    case 'versioned':
      return `${endpointPath(account, basePath, { operation: 'chat', tail: '/models', upstreamModel: '' })}${speaksAnthropicAlone(account) ? '?limit=1000' : ''}`;
    case 'gemini':
      return `${geminiVersion(basePath)}/models?pageSize=1000`;
    case 'vertex':
    case 'code-assist':
      return undefined;
  }
}

/** Whether its lists come in Anthropic's form, asked with Anthropic's headers. */
export function speaksAnthropicAlone({ dialects }: Pick<Account, 'dialects'>): boolean {
  return dialects.every((dialect) => dialect === 'anthropic-messages');
}

function geminiVersion(basePath: string): string {
  return /\/v\d\w*$/.test(basePath) ? basePath : `${basePath}/v1beta`;
}

/** A model name as one or more path segments; only `/` between segments stays. */
function encodeModel(model: string): string {
  return model.split('/').map(encodeURIComponent).join('/');
}

/** Header pairs that show an account's key to its vendor; a login's token is put on by the attempt. */
export function credentialHeaders({ credential }: Account): readonly string[] {
  const key = credential.kind === 'key' ? (credential.key?.reveal() ?? '') : '';
  if (credential.kind !== 'key' || key === '') return [];
  return credential.carriers.flatMap((carrier) => (carrier === 'bearer' ? ['authorization', `Bearer ${key}`] : [carrier, key]));
}
