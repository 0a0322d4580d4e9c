import { once } from 'node:events';
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { checkFiles } from '../../../internal/cli/doctor/files.ts';
import { probePort } from '../../../internal/cli/doctor/port.ts';
import { createFolder } from './fake-process.ts';

async function serveAnswer(body: string): Promise<number> {
  const server = createServer((_req, res) => res.end(body)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

describe('who holds the port', () => {
  it('a Keyward there is recognized, with its version', async () => {
    const port = await serveAnswer('{"name":"keyward","version":"1.2.3","endpoints":[]}');
    expect(await probePort('127.0.0.1', port, false)).toEqual({ kind: 'keyward', version: '1.2.3' });
  });

  it.each([['<html>'], ['{"name":"something else"}'], ['null'], ['']])('%j is some other program', async (body) => {
    const port = await serveAnswer(body);
    expect(await probePort('127.0.0.1', port, false)).toEqual({ kind: 'other' });
  });

  it('a program that does not speak TLS where TLS is configured is another program', async () => {
    const port = await serveAnswer('{"name":"keyward"}');
    expect(await probePort('127.0.0.1', port, true)).toEqual({ kind: 'other' });
  });

  it('a port nobody listens on is free, and port 0 always is', async () => {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    server.close();
    await once(server, 'close');
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    expect(await probePort('127.0.0.1', port, false)).toEqual({ kind: 'free' });
    expect(await probePort('192.0.2.1', 0, false)).toEqual({ kind: 'free' });
  });

  it('an address this machine has not is refused with the reason', async () => {
    expect(await probePort('192.0.2.1', 1, false)).toMatchObject({ kind: 'refused' });
  });
});

describe('modes of what Keyward keeps', () => {
  const uid = process.getuid?.();

  function arrange(): { readonly configPath: string; readonly dataDir: string; readonly authDir: string; readonly uid: number | undefined } {
    const folder = createFolder();
    const places = { configPath: join(folder, 'config.yaml'), dataDir: join(folder, 'data'), authDir: join(folder, 'auth'), uid };
    writeFileSync(places.configPath, '', { mode: 0o600 });
    mkdirSync(places.dataDir, { mode: 0o700 });
    mkdirSync(places.authDir, { mode: 0o700 });
    return places;
  }

  it('finds nothing where all is as Keyward makes it, or not made yet', () => {
    const places = arrange();
    expect(checkFiles(places)).toEqual([]);
    expect(checkFiles({ ...places, dataDir: join(places.dataDir, 'a/b') })).toEqual([]);
  });

  it('names every file and folder that is open to others, with the chmod that closes it', () => {
    const places = arrange();
    writeFileSync(join(places.authDir, 'a.json'), '{}');
    chmodSync(join(places.authDir, 'a.json'), 0o644);
    chmodSync(places.configPath, 0o640);
    chmodSync(places.dataDir, 0o755);
    expect(checkFiles(places).map(({ code, fix }) => [code, fix])).toEqual([
      ['config-mode', `Run \`chmod 600 ${places.configPath}\`.`],
      ['data-dir-mode', `Run \`chmod 700 ${places.dataDir}\`.`],
      ['account-file-mode', `Run \`chmod 600 ${join(places.authDir, 'a.json')}\`.`],
    ]);
  });

  it('a link among the account files is mentioned', () => {
    const places = arrange();
    symlinkSync(places.configPath, join(places.authDir, 'b.json'));
    expect(checkFiles(places).map(({ code }) => code)).toEqual(['account-file-link']);
  });

  it('a file in the place of a directory is an error', () => {
    const places = arrange();
    expect(checkFiles({ ...places, dataDir: places.configPath })).toMatchObject([{ level: 'error', code: 'data-dir-not-a-directory' }]);
  });
});
