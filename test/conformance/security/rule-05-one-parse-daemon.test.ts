import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { clientKey, managementSecret, startFourDialects, type FourDialects } from '../../support/four-dialects.ts';
import { sendBytes } from '../../support/raw-http.ts';

let rig: FourDialects;
beforeAll(async () => {
  rig = await startFourDialects();
});
afterAll(() => rig.stop());

const ask = (target: string, more = ''): Promise<string> => sendBytes(rig.daemon.port, `GET ${target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${more}\r\n`);
const asClient = `Authorization: Bearer ${clientKey}\r\n`;
const asManager = `Authorization: Bearer ${managementSecret}\r\n`;

describe('rule 5: the built daemon reads a target once', () => {
  it.each([
    '/v1/../v0/management/config', '/v1/models/../../v0/management/config', '/v1/models/%2e%2e/%2e%2e/v0/management/config', '/v1/models/..%2f..%2fv0/management/config', '/v1/models/%252e%252e/x%00', '//v0/management/config', '/v0//management/config',
    '/v0%2fmanagement/config', '/v0\\management\\config', '/v0/management/config%00', '/v0/management/./config', '/v0/management/config/..', 'http://localhost/v0/management/config', 'http://evil.test/healthz', '*', 'localhost:80', '/v1/models/%ff', '/v1/models/%zz',
  ])('%s is 400 with any credential, and shows no config', async (target) => {
    for (const credential of [asClient, asManager, '']) {
      const text = await ask(target, credential);
      expect(text).toMatch(/^HTTP\/1\.1 400 /);
      expect(text).not.toContain('api-keys');
    }
  });

  it('another spelling of a management path is another path: the client key opens nothing there, and the secret neither', async () => {
    for (const target of ['/v0/%6danagement/config', '/V0/management/config', '/v0/management%20/config']) {
      for (const credential of [asClient, asManager, '']) expect(await ask(target, credential), target).toMatch(/^HTTP\/1\.1 404 /);
    }
    expect(await ask('/v0/management/config', asClient)).toMatch(/^HTTP\/1\.1 401 /);
    expect(await ask('/v0/management/config', asManager)).toMatch(/^HTTP\/1\.1 200 /);
  });

  it('a repeated Host or Authorization is 400, even when both are right', async () => {
    for (const more of [`Host: localhost\r\n${asManager}`, `${asManager}${asManager}`, `${asManager}authorization: Bearer x\r\n`]) {
      const text = await ask('/v0/management/config', more);
      expect(text).toMatch(/^HTTP\/1\.1 400 [^]*"code":"duplicate_header"/);
    }
    expect(await sendBytes(rig.daemon.port, 'GET / HTTP/1.1\r\nConnection: close\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
  });

  it('headers that rewrite a target elsewhere rewrite nothing here', async () => {
    const rewriting = 'X-Original-URL: /v0/management/config\r\nX-Rewrite-URL: /v0/management/config\r\nX-HTTP-Method-Override: DELETE\r\nX-Forwarded-Prefix: /v0/management\r\n';
    expect(await ask('/healthz', `${asManager}${rewriting}`)).toMatch(/^HTTP\/1\.1 200 [^]*\{"status":"ok"\}/);
  });
});
