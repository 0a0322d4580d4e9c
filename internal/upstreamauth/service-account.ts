import { err, ok, type Result } from '../fault/result.ts';
import type { LoginProfile } from '../providers/login-profile.ts';
import { parseRecord, textOf } from './json-record.ts';

/** Google's token endpoints as its key files have named them over the years; all are asked at the present one. */
const googleTokenUris: ReadonlySet<string> = new Set([
  'https://oauth2.googleapis.com/token',
  'https://accounts.google.com/o/oauth2/token',
  'https://www.googleapis.com/oauth2/v3/token',
  'https://www.googleapis.com/oauth2/v4/token',
]);

/**
 * A signed assertion for a service account's key (RFC 7523 §2.1), good for an hour. It goes to the login's token endpoint,
 * never to one that the key file names; a key file that names another is refused (security rule 14). The error is one
 * sentence, free of secrets.
 * @see https://developers.google.com/identity/protocols/oauth2/service-account
 */
export async function signAssertion(profile: LoginProfile, serviceAccount: string | undefined, nowMs: number): Promise<Result<string, string>> {
  const account = serviceAccount === undefined ? undefined : parseRecord(serviceAccount);
  const email = textOf(account, 'client_email');
  const key = textOf(account, 'private_key');
  if (email === undefined || key === undefined) return err('the file has no service account with `client_email` and `private_key`');
  const tokenUri = textOf(account, 'token_uri');
  const endpoint = profile.endpoints.token;
  if (tokenUri !== undefined && !googleTokenUris.has(tokenUri) && tokenUri !== endpoint) return err('the service account names a `token_uri` that is not Google’s');
  const [{ SignJWT }, { importPKCS8 }] = await Promise.all([import('jose/jwt/sign'), import('jose/key/import')]);
  const keyId = textOf(account, 'private_key_id');
  const issuedAt = Math.floor(nowMs / 1_000);
  try {
    const jwt = new SignJWT({ scope: profile.scopes.join(' ') })
      .setProtectedHeader({ alg: 'RS256', typ: 'JWT', ...(keyId === undefined ? {} : { kid: keyId }) })
      .setIssuer(email)
      .setAudience(endpoint)
      .setIssuedAt(issuedAt)
      .setExpirationTime(issuedAt + 3_600);
    return ok(await jwt.sign(await importPKCS8(key, 'RS256')));
  } catch {
    return err('the private key of the service account cannot be used; it must be an RSA key in PKCS #8 form');
  }
}
