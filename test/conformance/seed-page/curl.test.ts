import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keyFile } from '../../http/management/auth-file-samples.ts';
import { makeFolder, startDaemon, type RunningDaemon } from '../../support/daemon.ts';
import { findProgram } from '../../support/find-program.ts';
import type { ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { makeSelfSigned } from '../../support/self-signed.ts';
import { makeExampleFolder, readExample, runShell } from './examples.ts';
import { pageConfig, startUpstream } from './upstream.ts';

const notFound = { error: { message: 'Not Found', type: 'not_found' } };
let upstream: ScriptedUpstream;
let daemon: RunningDaemon;
let folder: string;

beforeAll(async () => {
  upstream = await startUpstream();
  daemon = await startDaemon({ config: pageConfig(upstream.url) });
  folder = makeExampleFolder();
});
afterAll(async () => {
  await daemon.stop();
  await upstream.close();
  rmSync(folder, { recursive: true });
});

if (findProgram('curl') === undefined) {
  it('this machine has no curl to run the commands with', () => {
    expect(findProgram('curl')).toBeUndefined();
  });
} else {
  describe('the curl commands of the page, as printed', () => {
    it('chat over https gets the answer', async () => {
      const secure = makeFolder();
      const pair = makeSelfSigned();
      writeFileSync(join(secure, 'cert.pem'), pair.cert);
      writeFileSync(join(secure, 'key.pem'), pair.key, { mode: 0o600 });
      const overTls = await startDaemon({ folder: secure, config: `${pageConfig(upstream.url)}tls:\n  enable: true\n  cert: "cert.pem"\n  key: "key.pem"\n` });
      try {
        const ran = await runShell(readExample('chat.sh', overTls.port), folder, { CURL_CA_BUNDLE: join(secure, 'cert.pem') });
        expect(ran.status, ran.stderr).toBe(0);
        expect(JSON.parse(ran.stdout)).toMatchObject({ choices: [{ message: { content: 'Hello.' } }] });
        expect(JSON.parse(upstream.seen.at(-1)?.body.toString() ?? '')).toEqual({ model: 'gemini-2.5-flash', messages: [{ role: 'user', content: 'Hello!' }] });
      } finally {
        await overTls.stop();
        rmSync(secure, { recursive: true });
      }
    });

    it('the management request shows the configuration', async () => {
      const ran = await runShell(readExample('management-config.sh', daemon.port), folder);
      expect([ran.status, JSON.parse(ran.stdout)]).toMatchObject([0, { 'ws-auth': true }]);
    });

    it('the usage statistics come', async () => {
      const ran = await runShell(readExample('management-usage.sh', daemon.port), folder);
      expect([ran.status, JSON.parse(ran.stdout)]).toMatchObject([0, { usage: { total_requests: expect.any(Number) } }]);
    });

    it('the configuration is updated from a file', async () => {
      const next = `${readFileSync(daemon.configPath, 'utf8')}# a line more\nrequest-retry: 2\n`;
      writeFileSync(join(folder, 'config.yaml'), next);
      const ran = await runShell(readExample('management-put-config.sh', daemon.port), folder);
      expect([ran.status, JSON.parse(ran.stdout)]).toEqual([0, { ok: true, changed: ['request-retry'], restart_required: [] }]);
      expect(readFileSync(daemon.configPath, 'utf8')).toBe(next);
    });

    it('the WebSocket upgrade is 401 without the key; with it curl is let in, and told what its handshake lacks', async () => {
      const printed = readExample('websocket-upgrade.sh', daemon.port);
      const keyless = await runShell(printed.replace(/.*Authorization.*\n/, ''), folder);
      expect(keyless.stdout).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n[^]*www-authenticate: Bearer[^]*\r\n\r\n\{"error":\{"message":"invalid password","type":"authentication_error","code":"missing_api_key"\}\}$/i);
      const keyed = await runShell(printed, folder);
      expect(keyed.stdout).toMatch(/^HTTP\/1\.1 400 [^]*Sec-WebSocket-Key[^]*"code":"invalid_request"\}\}$/);
      const whole = printed.replace('curl -i -N', 'curl -i -N -m 1 -H "Sec-WebSocket-Version: 13" -H "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="');
      expect((await runShell(whole, folder)).stdout).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    });

    it('the password exported to the environment takes precedence over the file', async () => {
      const exported = await runShell(`${readExample('management-password.sh', 0)}printf %s "$MANAGEMENT_PASSWORD"`, folder);
      const other = await startDaemon({ config: 'remote-management:\n  secret-key: "another-secret-in-the-file"\n', env: { MANAGEMENT_PASSWORD: exported.stdout } });
      try {
        const ran = await runShell(readExample('management-config.sh', other.port), folder);
        expect(JSON.parse(ran.stdout)).toMatchObject({ 'remote-management': { 'allow-remote': false } });
        const fromFile = readExample('management-config.sh', other.port).replace('your-secure-management-key', 'another-secret-in-the-file');
        expect(JSON.parse((await runShell(fromFile, folder)).stdout)).toMatchObject({ error: { message: 'invalid password', type: 'authentication_error' } });
      } finally {
        await other.stop();
      }
    });

    it('the login URL comes once a client of the operator’s is configured, and without one the lines to add', async () => {
      const config = 'api-keys: ["your-api-key-1"]\nremote-management:\n  secret-key: "your-management-secret"\n';
      const bare = await startDaemon({ config });
      const configured = await startDaemon({ config, env: { KEYWARD_OAUTH_ANTHROPIC_CLIENT_ID: 'client-of-ours' } });
      try {
        expect(JSON.parse((await runShell(readExample('anthropic-auth-url.sh', bare.port), folder)).stdout)).toMatchObject({ error: { code: 'oauth_client_not_configured', message: expect.stringContaining('client-id') } });
        const ran = await runShell(readExample('anthropic-auth-url.sh', configured.port), folder);
        expect(JSON.parse(ran.stdout)).toMatchObject({ status: 'ok', url: expect.stringMatching(/^https:\/\/claude\.ai\/oauth\/authorize\?.*client_id=client-of-ours/), state: expect.stringMatching(/^[\da-f]{32}$/) });
        const stranger = await runShell(readExample('anthropic-auth-url.sh', configured.port).replace('your-management-secret', 'wrong'), folder);
        expect(JSON.parse(stranger.stdout)).toMatchObject({ error: { message: 'invalid password', type: 'authentication_error' } });
      } finally {
        await bare.stop();
        await configured.stop();
      }
    });

    it('an account file is uploaded under a channel and a prefix, and listed', async () => {
      const other = await startDaemon({ config: 'api-keys: ["your-api-key-1"]\nremote-management:\n  secret-key: "your-management-secret"\n' });
      try {
        expect(JSON.parse((await runShell(readExample('auth-files.sh', other.port), folder)).stdout)).toEqual({ files: [] });
        writeFileSync(join(folder, 'auth.json'), JSON.stringify(keyFile), { mode: 0o600 });
        const stranger = await runShell(readExample('auth-files-upload.sh', other.port).replace('your-management-secret', 'wrong'), folder);
        expect(JSON.parse(stranger.stdout)).toMatchObject({ error: { message: 'invalid password', type: 'authentication_error' } });
        expect(JSON.parse((await runShell(readExample('auth-files-upload.sh', other.port), folder)).stdout)).toMatchObject({ status: 'ok' });
        expect(JSON.parse((await runShell(readExample('auth-files.sh', other.port), folder)).stdout)).toMatchObject({ files: [{ name: 'vertex-prod-my-project.json', type: 'vertex', prefix: 'prod' }] });
      } finally {
        await other.stop();
      }
    });

    it('the 404 body of a daemon without a management secret is the one the page shows', async () => {
      const other = await startDaemon({ config: 'api-keys: ["your-api-key-1"]\n' });
      try {
        expect(JSON.parse((await runShell(readExample('management-config.sh', other.port), folder)).stdout)).toEqual(notFound);
      } finally {
        await other.stop();
      }
    });
  });
}
