import type { Configuration, DPoPHandle, ServerMetadata } from 'openid-client';
import { err, ok, type Result } from '../../fault/result.ts';
import type { Library } from '../../upstreamauth/oauth-client.ts';
import { parseRecord, textOf } from '../../upstreamauth/json-record.ts';
import type { OAuthHttp } from '../../upstreamauth/oauth-http.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import { createServerRequests, failureOf, type ServerFailure, type ServerRequests } from './server-http.ts';
import type { DpopKey, Session } from './session.ts';

/** Every Keyward with `identity` knows this client: public, loopback redirect, device grant, DPoP (ADR 0017). */
export const cliClientId = 'keyward-cli';

/** A Keyward as an authorization server, for the requests of one command. */
export interface OAuthServer {
  readonly openid: Library;
  readonly configuration: Configuration;
  readonly requests: ServerRequests;
  /** Why the last request came to nothing. */
  readonly failure: (thrown: unknown) => ServerFailure;
}

export interface ServerCall {
  readonly http: OAuthHttp;
  readonly signal?: AbortSignal;
}

async function loadLibrary(): Promise<Library> {
  return import('openid-client');
}

/** Reads the server's metadata. Errors: `server_unreachable`, `identity_not_enabled`, `issuer_mismatch`, `server_not_usable`. */
export async function discoverServer(server: string, call: ServerCall): Promise<Result<OAuthServer, StoreRefusal>> {
  const openid = await loadLibrary();
  const requests = createServerRequests(call.http, call.signal);
  const issuer = new URL(`${server}/oauth`);
  let metadata: ServerMetadata;
  try {
    const found = await openid.discovery(issuer, cliClientId, undefined, openid.None(), { [openid.customFetch]: requests.fetch, execute: issuer.protocol === 'http:' ? [openid.allowInsecureRequests] : [] });
    metadata = found.serverMetadata();
  } catch (thrown) {
    return err(describeDiscoveryFailure(server, failureOf(requests.lastAnswer(), thrown), requests));
  }
  const foreign = [metadata.authorization_endpoint, metadata.token_endpoint, metadata.device_authorization_endpoint, metadata.revocation_endpoint].find((endpoint) => endpoint !== undefined && URL.parse(endpoint)?.origin !== issuer.origin);
  if (foreign !== undefined || metadata.token_endpoint === undefined) return err({ code: 'server_not_usable', message: `The metadata of ${server} names ${foreign === undefined ? 'no token endpoint' : 'an endpoint at another host'}; tokens are not sent there. Is this a Keyward?` });
  return ok(assemble(openid, metadata, requests));
}

/** The server of a login, without asking it for its metadata again. */
export async function openServer(session: Session, call: ServerCall): Promise<OAuthServer> {
  const openid = await loadLibrary();
  const metadata: ServerMetadata = {
    issuer: session.issuer,
    token_endpoint: session.tokenEndpoint,
    ...(session.revocationEndpoint === '' ? {} : { revocation_endpoint: session.revocationEndpoint }),
    ...(session.idTokenAlgorithms.length === 0 ? {} : { id_token_signing_alg_values_supported: [...session.idTokenAlgorithms] }),
  };
  return assemble(openid, metadata, createServerRequests(call.http, call.signal));
}

function assemble(openid: Library, metadata: ServerMetadata, requests: ServerRequests): OAuthServer {
  const configuration = new openid.Configuration(metadata, cliClientId, {}, openid.None());
  configuration[openid.customFetch] = requests.fetch;
  // Our own limit holds, and it says whether the request had left.
  configuration.timeout = undefined;
  // Plain http was judged with the server's address: it stays on this machine.
  if (metadata.issuer.startsWith('http:')) openid.allowInsecureRequests(configuration);
  return { openid, configuration, requests, failure: (thrown) => failureOf(requests.lastAnswer(), thrown) };
}

/** Makes the key that a login's tokens are bound to. RFC 9449 §4.2 */
export async function makeDpopKey({ openid }: OAuthServer): Promise<DpopKey> {
  const { privateKey } = await openid.randomDPoPKeyPair('ES256', { extractable: true });
  const { x, y, d } = await crypto.subtle.exportKey('jwk', privateKey);
  if (x === undefined || y === undefined || d === undefined) throw new TypeError('an EC key has x, y and d');
  return { kty: 'EC', crv: 'P-256', x, y, d };
}

const algorithm = { name: 'ECDSA', namedCurve: 'P-256' } as const;

export async function proofBy({ openid, configuration }: OAuthServer, key: DpopKey): Promise<DPoPHandle> {
  const { kty, crv, x, y, d } = key;
  const [privateKey, publicKey] = await Promise.all([
    crypto.subtle.importKey('jwk', { kty, crv, x, y, d }, algorithm, false, ['sign']),
    crypto.subtle.importKey('jwk', { kty, crv, x, y }, algorithm, true, ['verify']),
  ]);
  return openid.getDPoPHandle(configuration, { privateKey, publicKey });
}

function describeDiscoveryFailure(server: string, failure: ServerFailure, requests: ServerRequests): StoreRefusal {
  const answer = requests.lastAnswer();
  if (failure.kind === 'unreachable') return describeUnreachable(server, failure.detail);
  if (failure.kind === 'refused' && (failure.status === 404 || failure.status === 405)) return { code: 'identity_not_enabled', message: `${server} answers, but lets nobody log in: its config needs \`identity: { enabled: true }\`, and a restart. Until then a key is the way: \`keyward config init\` takes one.` };
  const named = answer?.kind === 'answered' ? textOf(parseRecord(answer.body), 'issuer') : undefined;
  const base = named?.replace(/\/oauth\/?$/, '');
  if (failure.kind === 'odd' && base !== undefined && base !== server && URL.parse(base) !== null) return { code: 'issuer_mismatch', message: `The server at ${server} calls itself ${base}, as its public-url says; log in with \`--server ${base}\`.` };
  return { code: 'server_not_usable', message: `${server} gave no usable metadata at /oauth/.well-known/openid-configuration (${failure.kind === 'refused' ? `HTTP ${failure.status}` : failure.detail}). Is this a Keyward?` };
}

export function describeUnreachable(server: string, detail: string): StoreRefusal {
  return { code: 'server_unreachable', message: `${server} cannot be reached: ${detail}. Check the address (--server) and that the daemon runs there (\`keyward serve\`).` };
}

/** A refusal or odd answer in one sentence, to stand behind a colon. */
export function describeFailure(failure: ServerFailure): string {
  switch (failure.kind) {
    case 'unreachable':
      return failure.detail;
    case 'refused': {
      const clock = failure.error === 'invalid_dpop_proof' ? '; check that the clock of this machine is right' : '';
      return `${failure.error === 'unknown_error' ? `HTTP ${failure.status}` : failure.error}${failure.description === '' ? '' : ` (${failure.description})`}${clock}`;
    }
    case 'odd':
      return `its answer is not as it must be (${failure.detail})`;
  }
}
