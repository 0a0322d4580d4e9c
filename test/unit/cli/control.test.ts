import { once } from 'node:events';
import { mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { askDaemon, callDaemon, controlSocketPath } from '../../../internal/cli/control.ts';
import { runCli } from '../../../internal/cli/run.ts';
import { createFakeProcess, createFolder, type FakeProcess } from './fake-process.ts';

async function listen(dataDir: string, handler: RequestListener): Promise<string> {
  const path = controlSocketPath(dataDir);
  const server = createServer(handler).listen(path);
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return path;
}

function answerJson(status: number, body: unknown): RequestListener {
  return (_req, res) => res.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}

async function run(cli: FakeProcess): Promise<number> {
  return runCli(cli, () => Promise.reject(new Error('the daemon must not start')));
}

describe('asking the running daemon', () => {
  it('no socket means no daemon runs', async () => {
    expect(await askDaemon(join(createFolder(), 'control.sock'), '/')).toEqual({ ok: false, error: { kind: 'not_running' } });
  });

  it('a refusal carries the daemon’s sentence and code', async () => {
    const socket = await listen(createFolder(), answerJson(404, { error: { message: 'Not Found', code: 'item_not_found' } }));
    expect(await askDaemon(socket, '/')).toEqual({ ok: false, error: { kind: 'refused', status: 404, code: 'item_not_found', message: 'Not Found' } });
  });

  it('a refusal whose error is a plain text carries that', async () => {
    const socket = await listen(createFolder(), answerJson(400, { status: 'error', error: 'unknown or expired state' }));
    expect(await askDaemon(socket, '/')).toEqual({ ok: false, error: { kind: 'refused', status: 400, code: '', message: 'unknown or expired state' } });
  });

  it('a call sends its method, its body as JSON and its headers', async () => {
    const seen: unknown[] = [];
    const socket = await listen(createFolder(), (req, res) => {
      let text = '';
      req.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      req.on('end', () => {
        seen.push([req.method, req.url, req.headers['content-type'], req.headers['if-match'], text]);
        answerJson(201, { status: 'ok' })(req, res);
      });
    });
    expect(await callDaemon(socket, '/a?b=c', { method: 'POST', body: { name: 'ä' }, headers: { 'if-match': '"x"' } })).toEqual({ ok: true, value: { status: 'ok' } });
    expect(seen).toEqual([['POST', '/a?b=c', 'application/json', '"x"', '{"name":"ä"}']]);
  });

  it('a daemon that says nothing is given up after the time named', async () => {
    const socket = await listen(createFolder(), () => undefined);
    expect(await callDaemon(socket, '/', { method: 'GET', timeoutMs: 20 })).toMatchObject({ ok: false, error: { kind: 'no_answer', detail: 'no answer within 0.02 s' } });
  });

  it('an answer that is not JSON is no answer', async () => {
    const socket = await listen(createFolder(), (_req, res) => res.end('<html>'));
    expect(await askDaemon(socket, '/')).toMatchObject({ ok: false, error: { kind: 'no_answer' } });
  });

  it('a daemon that hangs up is no answer', async () => {
    const socket = await listen(createFolder(), (req) => void req.socket.destroy());
    expect(await askDaemon(socket, '/')).toMatchObject({ ok: false, error: { kind: 'no_answer' } });
  });
});

describe('status and explain', () => {
  it('status says plainly that no daemon runs, and ends with 1', async () => {
    const cli = createFakeProcess(['status']);
    expect(await run(cli)).toBe(1);
    expect(cli.err()).toContain(`No daemon is running on ${join(cli.home, '.keyward', 'control.sock')}`);
    expect(cli.err()).toContain('keyward serve');
  });

  it.each([
    ['data-dir: ./d\n', 'd'],
    ['data-dir: ./d\nport: [not valid for a port]\n', 'd'],
    ['data-dir: ./d\nport: [not even YAML\n', 'd'],
  ])('status finds the socket in the config’s data-dir, even when the file has mistakes (%j)', async (text, folder) => {
    const cli = createFakeProcess(['status', '--config', 'c.yaml', '--json']);
    writeFileSync(join(cli.cwd, 'c.yaml'), text);
    mkdirSync(join(cli.cwd, folder));
    const seen: (string | undefined)[] = [];
    await listen(join(cli.cwd, folder), (req, res) => {
      seen.push(req.url);
      answerJson(200, { version: '1' })(req, res);
    });
    expect(await run(cli)).toBe(0);
    expect(seen).toEqual(['/v0/management/status']);
    expect(JSON.parse(cli.out())).toEqual({ version: '1' });
  });

  it('explain sends the model’s name encoded and shows candidates as a table, foreign characters escaped', async () => {
    const cli = createFakeProcess(['explain', '--model', 'a/b&c']);
    mkdirSync(join(cli.home, '.keyward'));
    const seen: (string | undefined)[] = [];
    await listen(join(cli.home, '.keyward'), (req, res) => {
      seen.push(req.url);
      answerJson(200, { model: 'a/b&c', candidates: [{ label: 'one', usable: true }, { label: 'two \u001B[31m\u202Ered', usable: false, skipped: 'disabled' }] })(req, res);
    });
    expect(await run(cli)).toBe(0);
    expect(seen).toEqual(['/v0/management/explain?model=a%2Fb%26c']);
    expect(cli.out()).toBe('model: a/b&c\ncandidates:\n  label            usable  skipped\n  one              true    –\n  two \\u{202e}red  false   disabled\n');
  });
});
