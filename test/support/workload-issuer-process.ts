import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';
import { exportJWK, generateKeyPair, SignJWT, type JWTPayload } from 'jose';

/*
 * A platform that vouches for its workloads, as GitHub Actions and Kubernetes do: metadata, a key set, and tokens signed by
 * jose for whoever asks `POST /token` with the claims. It says who it is on its first line of output.
 */

const { privateKey, publicKey } = await generateKeyPair('RS256');
const jwk = { ...(await exportJWK(publicKey)), kid: 'platform-1', alg: 'RS256', use: 'sig' };

let issuer = '';
const server = createServer((req, res) => {
  const answer = (status: number, body: string, type = 'application/json'): void => void res.writeHead(status, { 'content-type': type }).end(body);
  if (req.url === '/.well-known/openid-configuration') return answer(200, JSON.stringify({ issuer, jwks_uri: `${issuer}/jwks`, id_token_signing_alg_values_supported: ['RS256'] }));
  if (req.url === '/jwks') return answer(200, JSON.stringify({ keys: [jwk] }));
  if (req.method !== 'POST' || req.url !== '/token') return answer(404, '{}');
  void text(req).then(async (body) => {
    const claims: JWTPayload = JSON.parse(body);
    const now = Math.floor(Date.now() / 1_000);
    answer(200, await new SignJWT({ iss: issuer, iat: now, nbf: now, exp: now + 300, ...claims }).setProtectedHeader({ alg: 'RS256', kid: jwk.kid, typ: 'JWT' }).sign(privateKey), 'text/plain');
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  issuer = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  process.stdout.write(`${JSON.stringify({ issuer })}\n`);
});
process.on('SIGTERM', () => process.exit(0));
