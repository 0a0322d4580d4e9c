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
  switch (account.provider) {
    case 'openai-compatibility':
    case 'openai':
      return `${basePath}${query.tail}`;
    case 'anthropic':
      return basePath.endsWith('/v1') ? `${basePath}${query.tail}` : `${basePath}/v1${query.tail}`;
    case 'gemini': {
      const versioned = /\/v\d\w*$/.test(basePath) ? basePath : `${basePath}/v1beta`;
      return `${versioned}/models/${encodeModel(query.upstreamModel)}:${query.tail}`;
    }
    case 'vertex': {
      const versioned = /\/v\d\w*(\/|$)/.test(basePath) ? basePath : `${basePath}/v1`;
      const publisher = versioned.endsWith('/publishers/google') ? versioned : `${versioned}/publishers/google`;
      return `${publisher}/models/${encodeModel(query.upstreamModel)}:${query.tail}`;
    }
  }
}

/** A model name as one or more path segments; only `/` between segments stays. */
function encodeModel(model: string): string {
  return model.split('/').map(encodeURIComponent).join('/');
}

/** Header pairs that show the account's key to its vendor. */
export function credentialHeaders(account: Account): readonly string[] {
  const key = account.apiKey?.reveal();
  if (key === undefined || key === '') return [];
  switch (account.provider) {
    case 'openai-compatibility':
    case 'openai':
      return ['authorization', `Bearer ${key}`];
    case 'anthropic':
      // Anthropic-style endpoints of others read either header; api.anthropic.com takes x-api-key for keys.
      return account.baseUrl.startsWith('https://api.anthropic.com') ? ['x-api-key', key] : ['x-api-key', key, 'authorization', `Bearer ${key}`];
    case 'gemini':
    case 'vertex':
      return ['x-goog-api-key', key];
  }
}
