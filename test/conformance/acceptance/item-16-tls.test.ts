import { writeFileSync, rmSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { describe, expect, it } from 'vitest';
import { configHead, makeFolder, runKeyward, startDaemon } from '../../support/daemon.ts';
import { makeSelfSigned, type KeyPair } from '../../support/self-signed.ts';
import { until } from '../../support/until.ts';

const tlsSection = 'api-keys: ["sk-client-0123456789"]\ntls:\n  enable: true\n  cert: "./cert.pem"\n  key: "./key.pem"\n';

function writePair(folder: string, pair: KeyPair): void {
  writeFileSync(join(folder, 'key.pem'), pair.key, { mode: 0o600 });
  writeFileSync(join(folder, 'cert.pem'), pair.cert);
}

function getOverTls(port: number, ca: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const req = request({ host: 'localhost', port, path: '/v1/models', ca, agent: false, headers: { authorization: 'Bearer sk-client-0123456789' } }, (res) => {
      res.resume();
      res.on('end', () => resolve(res.statusCode ?? 0));
    });
    req.on('error', reject);
    req.end();
  });
}

function servedFingerprint(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

describe('use HTTPS/TLS in production: tls.enable with cert and key', () => {
  it('serves https with the certificate, and reads it again when the files change', async () => {
    const folder = makeFolder();
    const [first, second] = [makeSelfSigned(), makeSelfSigned()];
    writePair(folder, first);
    const daemon = await startDaemon({ folder, config: tlsSection });
    try {
      expect(daemon.url).toMatch(/^https:/);
      expect(await getOverTls(daemon.port, first.cert)).toBe(200);
      expect(await servedFingerprint(daemon.port)).toBe(first.fingerprint);

      writePair(folder, second);
      await until('the new certificate is served', async () => (await servedFingerprint(daemon.port)) === second.fingerprint, 3_000);
      expect(await getOverTls(daemon.port, second.cert)).toBe(200);
      await expect(getOverTls(daemon.port, first.cert)).rejects.toThrow(/self-signed|certificate/);

      writeFileSync(join(folder, 'cert.pem'), 'not a certificate');
      await until('the unfit certificate is told of', () => daemon.output().includes('TLS files do not fit'), 3_000);
      expect(await servedFingerprint(daemon.port)).toBe(second.fingerprint);
    } finally {
      expect(await daemon.stop()).toBe(0);
      rmSync(folder, { recursive: true });
    }
  });

  it.each(['cert.pem', 'key.pem'])('a missing %s ends the start with exit code 1 and one sentence that names it', (missing) => {
    const folder = makeFolder();
    writePair(folder, makeSelfSigned());
    rmSync(join(folder, missing));
    writeFileSync(join(folder, 'config.yaml'), `${configHead}${tlsSection}`, { mode: 0o600 });
    const { status, stdout, stderr } = runKeyward(folder, ['serve', '--config', 'config.yaml']);
    expect([status, stdout]).toEqual([1, '']);
    const told = stderr.split('\n').filter((line) => line.startsWith('keyward: '));
    expect(told).toEqual([expect.stringContaining(join(folder, missing))]);
    rmSync(folder, { recursive: true });
  });

  it('a certificate and a key that do not belong together end the start with exit code 1 and one sentence that names both', () => {
    const folder = makeFolder();
    writePair(folder, makeSelfSigned());
    writeFileSync(join(folder, 'cert.pem'), makeSelfSigned().cert);
    writeFileSync(join(folder, 'config.yaml'), `${configHead}${tlsSection}`, { mode: 0o600 });
    const { status, stderr } = runKeyward(folder, ['serve', '--config', 'config.yaml']);
    expect(status).toBe(1);
    expect(stderr.split('\n').filter((line) => line.startsWith('keyward: '))).toEqual([expect.stringMatching(/cert\.pem and key .*key\.pem/)]);
    rmSync(folder, { recursive: true });
  });

  it('tls.enable without the file names is exit code 2', () => {
    const folder = makeFolder();
    writeFileSync(join(folder, 'config.yaml'), `${configHead}tls:\n  enable: true\n`, { mode: 0o600 });
    const { status, stderr } = runKeyward(folder, ['serve', '--config', 'config.yaml']);
    expect([status, stderr]).toEqual([2, expect.stringMatching(/tls\.cert[^]*tls\.key/)]);
    rmSync(folder, { recursive: true });
  });
});
