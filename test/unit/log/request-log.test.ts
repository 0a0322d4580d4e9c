import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { AppError } from '../../../internal/fault/app-error.ts';
import { createFileLog } from '../../../internal/log/file-log.ts';
import { createLogFiles } from '../../../internal/log/log-files.ts';
import { createRequestLogs, type RequestLogHead, type RequestLogs } from '../../../internal/log/request-log.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyward-requests-'));
afterAll(() => rmSync(folder, { recursive: true }));

const canary = 'canary-4f9d21c7e0';
const secretHeaders = ['authorization', 'proxy-authorization', 'x-api-key', 'api-key', 'x-goog-api-key', 'x-management-key', 'cookie', 'set-cookie', 'sec-websocket-protocol', 'x-auth-token', 'x-client-secret', 'x-anything'];
const secretParameters = ['key', 'auth_token', 'state', 'code', 'user_code', 'access_token', 'api-key', 'client_secret', 'k%65y'];

interface Setup {
  readonly directory: string;
  readonly clock: ManualClock;
  readonly logs: RequestLogs;
  readonly dropped: () => number;
  readonly files: () => readonly string[];
  readonly read: (name: string) => string;
}

let count = 0;

function setUp(options: { readonly enabled?: boolean; readonly maxErrorFiles?: number; readonly maxBodyBytes?: number } = {}): Setup {
  const directory = join(folder, String((count += 1)), 'logs');
  const clock = createManualClock();
  let dropped = 0;
  const logs = createRequestLogs({
    directory,
    clock,
    isEnabled: () => options.enabled ?? false,
    maxErrorFiles: () => options.maxErrorFiles ?? 10,
    maxTotalBytes: () => 0,
    maxBodyBytes: options.maxBodyBytes ?? 1_000,
    onDropped: () => void (dropped += 1),
  });
  return { directory, clock, logs, dropped: () => dropped, files: () => readdirSync(directory).sort(), read: (name) => readFileSync(join(directory, name), 'utf8') };
}

const head = (change: Partial<RequestLogHead> = {}): RequestLogHead => ({
  method: 'POST',
  path: '/v1/chat/completions',
  query: `alt=sse&${secretParameters.map((name) => `${name}=${canary}`).join('&')}`,
  headers: { 'content-type': 'application/json', 'user-agent': 'test/1', ...Object.fromEntries(secretHeaders.map((name) => [name, [canary, canary]])) },
  ...change,
});

describe('request log, off', () => {
  it('leaves nothing behind a success', async () => {
    const { directory, logs } = setUp();
    logs.begin('req_1', head()).end(200);
    await logs.flush();
    expect(() => statSync(directory)).toThrow('ENOENT');
  });

  it('leaves head, attempts and error behind a failure, 0600, and no body', async () => {
    const { directory, logs, files, read } = setUp();
    const log = logs.begin('req_1', head());
    log.requestChunk(Buffer.from('the prompt'));
    log.attempt({ accountId: 'openai:0123456789ab', upstream: `https://api.test/v1/chat/completions?key=${canary}`, headers: { authorization: canary } });
    log.responseChunk(Buffer.from('the answer'));
    log.end(502, new AppError('upstream_error', { cause: new Error(`connect ECONNREFUSED ?key=${canary}`) }));
    await logs.flush();
    expect(files()).toEqual(['error-v1-chat-completions-2026-11-24T120000000Z-req_1.log']);
    const text = read(files()[0] ?? '');
    for (const part of ['POST /v1/chat/completions?alt=sse&', 'user-agent: test/1', 'account: openai:0123456789ab', 'upstream: https://api.test/v1/chat/completions\n', 'status: 502', 'code: upstream_error', 'connect ECONNREFUSED']) expect(text).toContain(part);
    for (const part of ['the prompt', 'the answer', canary]) expect(text).not.toContain(part);
    expect(statSync(join(directory, files()[0] ?? '')).mode & 0o777).toBe(0o600);
  });

  it('keeps the newest few failures', async () => {
    const { directory, clock, logs, files } = setUp({ maxErrorFiles: 3 });
    for (let n = 0; n < 7; n += 1) {
      clock.advance(1_000);
      logs.begin(`req_${n}`, head()).end(500);
      await logs.flush();
      const newest = files().at(-1) ?? '';
      utimesSync(join(directory, newest), n + 1, n + 1);
    }
    clock.advance(1_000);
    expect(files().map((name) => name.slice(-'req_1.log'.length))).toEqual(['req_4.log', 'req_5.log', 'req_6.log']);
  });

  it('a flood of refusals writes a few files a second and counts the others', async () => {
    const { logs, files, dropped } = setUp({ maxErrorFiles: 0 });
    for (let n = 0; n < 500; n += 1) logs.begin(`req_${n}`, head()).end(401);
    await logs.flush();
    expect(files()).toHaveLength(10);
    expect(dropped()).toBe(490);
  });
});

describe('request log, on', () => {
  it('tells the exchange in order, bodies as they were', async () => {
    const { logs, files, read } = setUp({ enabled: true });
    const log = logs.begin('req_1', head({ query: '' }));
    log.requestChunk(Buffer.from('{"model":'));
    log.requestChunk(Buffer.from('"m"}'));
    log.attempt({ accountId: 'a:1', upstream: 'https://api.test/v1' });
    log.attempt({ accountId: 'a:2', upstream: 'https://api.test/v1' });
    log.responseHead(200, { 'content-type': 'text/event-stream', 'set-cookie': [canary] });
    log.responseChunk(Buffer.from('data: 1\n\n'));
    log.responseChunk(Buffer.from('data: [DONE]\n\n'));
    log.end(200);
    await logs.flush();
    expect(files()).toEqual(['v1-chat-completions-2026-11-24T120000000Z-req_1.log']);
    const text = read(files()[0] ?? '');
    const parts = ['=== request ===', '=== request body ===\n{"model":"m"}\n', 'account: a:1', 'account: a:2', '=== response ===\nstatus: 200', '=== response body ===\ndata: 1\n\ndata: [DONE]\n\n', '=== end ===\nstatus: 200'];
    const places = parts.map((part) => text.indexOf(part));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  it('cuts bodies at the cap and says how much is missing', async () => {
    const { logs, files, read } = setUp({ enabled: true, maxBodyBytes: 10 });
    const log = logs.begin('req_1', head());
    log.requestChunk(Buffer.from('0123456789abc'));
    log.requestChunk(Buffer.from('def'));
    log.responseChunk(Buffer.from('short'));
    log.end(200);
    await logs.flush();
    const text = read(files()[0] ?? '');
    expect(text).toContain('0123456789\n');
    expect(text).not.toContain('abc');
    expect(text).toContain('=== 6 more bytes of the request body were left out ===');
    expect(text).not.toContain('of the response body were left out');
  });

  it('what cannot be written is counted, and nothing is thrown', async () => {
    const { directory, logs, dropped } = setUp({ enabled: true });
    rmSync(join(directory, '..'), { recursive: true, force: true });
    writeFileSync(join(directory, '..'), 'a file where a folder should be');
    const log = logs.begin('req_1', head());
    log.requestChunk(Buffer.alloc(200_000));
    log.end(200);
    await logs.flush();
    expect(dropped()).toBe(1);
  });
});

describe('request log, whatever comes in', () => {
  it.each([true, false])('secrets in headers and query reach no file (request-log: %s)', async (enabled) => {
    const { logs, files, read } = setUp({ enabled });
    const log = logs.begin('req_1', head());
    log.attempt({ accountId: 'a:1', upstream: `https://user:x@api.test/v1?auth_token=${canary}`, headers: head().headers });
    log.responseHead(500, head().headers);
    log.end(500, new Error(`Authorization: Bearer ${canary}`));
    await logs.flush();
    expect(files()).toHaveLength(1);
    const text = read(files()[0] ?? '');
    for (const name of secretHeaders) expect(text).toContain(`${name}: [redacted]`);
    expect(`${text}${files().join('')}`).not.toContain(canary);
  });

  it('a request cannot choose where its file goes, nor forge a section', async () => {
    const { logs, files, read, directory } = setUp();
    logs.begin('../../up', head({ path: '/../../../etc/cron.d/x', method: 'GET\n=== end ===' })).end(404);
    logs.begin('req_2', head({ path: `/${'a/'.repeat(2_000)}\u001b[2J\u202e` })).end(404);
    await logs.flush();
    expect(files()).toHaveLength(2);
    for (const name of files()) {
      expect(name).toMatch(/^error-[\w.@-]+\.log$/);
      expect(read(name).match(/^=== end ===$/gm)).toHaveLength(1);
      expect(read(name)).not.toMatch(/\p{Cc}(?<!\n)|\u202e/u);
    }
    expect(readdirSync(join(directory, '..'))).toEqual(['logs']);
  });

  it('is found again by its id, exactly, and listed newest first when it failed', async () => {
    const { directory, clock, logs } = setUp();
    logs.begin('b-c', head()).end(500);
    await logs.flush();
    clock.advance(5_000);
    logs.begin('c', head()).end(500);
    await logs.flush();
    const fileLog = createFileLog({ directory, clock, maxTotalBytes: () => 0, onDropped: () => undefined });
    const files = createLogFiles({ directory, fileLog });
    expect((await files.readRequestLog('c'))?.name).toMatch(/Z-c\.log$/);
    expect((await files.readRequestLog('b-c'))?.name).toMatch(/Z-b-c\.log$/);
    expect(await files.readRequestLog('d')).toBeUndefined();
    const listed = await files.listErrorLogs();
    expect(listed.map((file) => file.name)[0]).toMatch(/Z-c\.log$/);
    expect(Buffer.from((await files.readErrorLog(listed[0]?.name ?? '')) ?? []).toString()).toContain('id: c\n');
    await fileLog.close();
  });
});
