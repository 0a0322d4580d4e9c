import type { KoaContextWithOIDC } from 'oidc-provider';
import { deviceGrant } from '../clients/issued/oauth-client.ts';

/** A refusal as the RFCs have it. */
export interface Refusal {
  readonly status: number;
  readonly error: string;
  readonly description: string;
  /** `WWW-Authenticate` */
  readonly challenge?: string;
}

/** Endpoints at which a client shows who it is. */
const authenticated: ReadonlySet<string> = new Set(['token', 'introspection', 'revocation', 'device_authorization']);
const credentials = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type'] as const;

/**
 * Says again, by its own name, what the library calls `invalid_request` for want of a better one: a client that shows nothing by
 * which it could be known, and one that asks for a grant it was not given. Undefined: it is as it should be. @see RFC 6749 §5.2
 */
export function correctRefusal(route: string, error: string, { oidc, headers }: KoaContextWithOIDC): Refusal | undefined {
  const { client, params, body = {} } = oidc;
  // Without parameters the body itself could not be read.
  if (error !== 'invalid_request' || !authenticated.has(route) || params === undefined) return undefined;
  if (client === undefined) {
    const isRepeated = credentials.some((name) => Array.isArray(body[name]));
    const shown = [headers.authorization, params['client_secret'], params['client_assertion']].filter((each) => each !== undefined && each !== '');
    if (isRepeated || shown.length > 1) return undefined;
    const refusal = { status: 401, error: 'invalid_client', description: 'the client shows no authentication, or one that cannot be read' };
    return headers.authorization === undefined ? refusal : { ...refusal, challenge: `Basic realm="${oidc.issuer}"` };
  }
  const grant = route === 'device_authorization' ? deviceGrant : route === 'token' ? params['grant_type'] : undefined;
  if (typeof grant !== 'string' || client.grantTypeAllowed(grant)) return undefined;
  return { status: 400, error: 'unauthorized_client', description: 'the client was not given this grant' };
}
