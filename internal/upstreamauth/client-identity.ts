import type { AuthFile } from '../accounts/auth-file/auth-file.ts';
import type { TokenSet } from '../accounts/token-set.ts';
import { AppError } from '../fault/app-error.ts';
import type { ClientRegistration, LoginProfile } from '../providers/login-profile.ts';
import { Secret } from '../secret/secret.ts';
import { claimsOf } from './jwt-claims.ts';
import { textOf } from './json-record.ts';

/**
 * The OAuth client that a file's refresh token belongs to: the file's `client_id`, else the one its tokens name, else the
 * config's (clarification 2). Undefined when none of them says. The config's secret goes only with the config's client.
 */
export function clientOfFile(profile: LoginProfile, file: AuthFile, tokens: TokenSet): ClientRegistration | undefined {
  const { registration } = profile;
  const clientId = file.fact('client_id') ?? clientIdOfTokens(tokens) ?? registration.clientId;
  if (clientId === '') return undefined;
  if (clientId === registration.clientId) return registration;
  const secret = file.fact('client_secret');
  if (secret === undefined) return { clientId, clientSecret: undefined, authentication: 'none' };
  const authentication = registration.authentication === 'none' ? 'client_secret_post' : registration.authentication;
  return { clientId, clientSecret: new Secret(secret), authentication };
}

/** RFC 9068 §2.2 `client_id`; OpenID Connect Core §2: `azp`, else the one audience of the id token. */
function clientIdOfTokens(tokens: TokenSet): string | undefined {
  const access = claimsOf(tokens.accessToken?.reveal());
  const id = claimsOf(tokens.idToken?.reveal());
  return textOf(access, 'client_id') ?? textOf(id, 'azp') ?? onlyAudience(id?.['aud']) ?? textOf(access, 'azp');
}

function onlyAudience(aud: unknown): string | undefined {
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud];
  const [only] = audiences;
  return audiences.length === 1 && typeof only === 'string' && only !== '' ? only : undefined;
}

/** The refusal of a login without a client id, with the lines to add (contract §9). */
export function clientNotConfigured(profile: LoginProfile): AppError {
  const lines = ['oauth:', `  ${profile.name}:`, `    client-id: "<the client id that ${profile.title} registered for you>"`];
  // Vendors whose preset proves itself by a secret have one for every client.
  if (profile.registration.authentication !== 'none') lines.push('    client-secret: "<its secret>"');
  return new AppError('oauth_client_not_configured', {
    message: `No OAuth client is configured for ${profile.name}. Register one with the provider and add to the config:\n${lines.join('\n')}`,
    fields: { config_lines: lines },
  });
}
