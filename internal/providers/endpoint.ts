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
    case 'gemini': {
      const versioned = /\/v\d\w*$/.test(basePath) ? basePath : `${basePath}/v1beta`;
      return `${versioned}/models/${encodeModel(query.upstreamModel)}:${query.tail}`;
    }
    case 'vertex': {
      const versioned = /\/v\d\w*(\/|$)/.test(basePath) ? basePath : `${basePath}/v1`;
      const publisher = versioned.endsWith('/publishers/google') ? versioned : `${versioned}/publishers/google`;
      return `${publisher}/models/${encodeModel(query.upstreamModel)}:${query.tail}`;
    }
    case 'code-assist':
      return `${basePath.endsWith('/v1internal') ? basePath : `${basePath}/v1internal`}:${query.tail}`;
  }
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
