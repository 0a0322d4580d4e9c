import type { AskIssuer } from '../../cli/doctor/trusted-issuers.ts';
import { systemClock } from '../../clock/clock.ts';
import { createDispatchers } from '../../egress/dispatchers.ts';
import { ok } from '../../fault/result.ts';
import { createOAuthHttp } from '../../upstreamauth/oauth-http.ts';
import { fetchIssuerKeys } from './issuer-keys.ts';
import { fitsAlgorithm } from '../../clients/jwt/read-jwt.ts';

/** @see AskIssuer */
export const askIssuer: AskIssuer = async ({ issuer, 'jwks-url': jwksUrl, algorithms }, config, { env, version }) => {
  const dispatchers = createDispatchers({
    environment: { httpProxy: env['HTTP_PROXY'] ?? env['http_proxy'], httpsProxy: env['HTTPS_PROXY'] ?? env['https_proxy'], noProxy: env['NO_PROXY'] ?? env['no_proxy'] },
    connectTimeoutMs: () => config['upstream-connect-timeout'],
  });
  try {
    const http = createOAuthHttp({ clock: systemClock, dispatchers, userAgent: `keyward/${version}` });
    const keys = await fetchIssuerKeys({ issuer, jwksUrl, http, proxyUrl: () => config['proxy-url'], signal: new AbortController().signal });
    return keys.ok ? ok(keys.value.filter(({ algorithm, key }) => algorithms.some((each) => (algorithm ?? each) === each && fitsAlgorithm(key, each))).length) : keys;
  } finally {
    await dispatchers.close();
  }
};
