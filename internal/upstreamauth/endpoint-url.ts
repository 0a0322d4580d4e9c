import { judgeBaseUrl } from '../config/upstream-url.ts';

/**
 * The URL of a login endpoint that may be asked: https, or http on this machine and private networks; never link-local and
 * metadata addresses (security rule 14). Undefined for any other, also those that an issuer's metadata names.
 * `allowsPlainHttp`: http on public addresses too, as `insecure-http` of the login has it.
 */
export function usableEndpoint(text: string, allowsPlainHttp: boolean): URL | undefined {
  const url = URL.parse(text);
  if (url === null || url.hash !== '' || url.username !== '' || url.password !== '') return undefined;
  // Google's user-info endpoint has a query, which a base URL may not.
  return judgeBaseUrl(`${url.origin}${url.pathname}`, allowsPlainHttp).kind === 'error' ? undefined : url;
}
