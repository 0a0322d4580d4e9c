import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it, vi } from 'vitest';
import type { AccessLine } from '../../../internal/log/access-line.ts';
import { createLogger, type LogHandle } from '../../../internal/log/create-logger.ts';
import { Secret } from '../../../internal/secret/secret.ts';
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'keyward-log-'));
afterAll(() => rmSync(folder, { recursive: true }));

const canary = 'canary-4f9d21c7e0';

const access: AccessLine = {
  requestId: 'req_1',
  method: 'POST',
  path: '/v1/chat/completions',
  status: 200,
  outcome: 'ok',
  peer: '127.0.0.1',
  client: 'key_0123456789ab',
  account: 'openai:0123456789ab',
  model: 'gpt-5-mini',
  attempts: 1,
  latencyMs: 12.345,
  firstByteMs: 4.56,
  inputTokens: 10,
  outputTokens: 5,
};

interface Setup {
  readonly handle: LogHandle;
  readonly clock: ManualClock;
  readonly text: () => string;
  readonly sunk: readonly string[];
}

let files = 0;

/** Runs `use` with a logger into a file; `text()` is what reached the file. */
function withLogger(options: { readonly isTerminal?: boolean; readonly noColor?: boolean }, use: (setup: Setup) => void | Promise<void>): Promise<void> {
  const path = join(folder, String((files += 1)));
  const fd = openSync(path, 'w', 0o600);
  const clock = createManualClock();
  const sunk: string[] = [];
  const handle = createLogger({ clock, level: 'info', fd, isTerminal: options.isTerminal ?? false, noColor: options.noColor ?? false, sink: { write: (line) => void sunk.push(line) } });
  return Promise.resolve(use({ handle, clock, sunk, text: () => readFileSync(path, 'utf8') })).finally(() => {
    handle.close();
    closeSync(fd);
  });
}

describe('logger', () => {
  it('writes JSON lines with time and level, within 100 ms of the clock', () =>
    withLogger({}, async ({ handle, clock, text }) => {
      handle.logger.info({ port: 8317 }, 'listening');
      expect(text()).toBe('');
      clock.advance(100);
      await vi.waitFor(() => expect(JSON.parse(text())).toEqual({ level: 30, time: clock.nowMs() - 100, port: 8317, msg: 'listening' }));
    }));

  it('flush puts everything on the descriptor at once', () =>
    withLogger({}, ({ handle, text }) => {
      for (let n = 0; n < 5_000; n += 1) handle.logger.info({ n }, 'line');
      handle.flush();
      expect(text().split('\n')).toHaveLength(5_001);
    }));

  it('the level changes live, for children made before as well', () =>
    withLogger({}, ({ handle, text }) => {
      const child = handle.logger.child({ part: 'child' });
      child.debug('hidden');
      handle.setLevel('debug');
      expect(child.isLevelEnabled('debug')).toBe(true);
      child.debug('shown');
      handle.setLevel('error');
      child.warn('hidden again');
      handle.access(access);
      handle.flush();
      expect(text().trim().split('\n').map((line) => JSON.parse(line))).toMatchObject([{ msg: 'shown', part: 'child' }]);
    }));

  it('an exchange is one line', () =>
    withLogger({}, ({ handle, text, clock }) => {
      handle.access(access);
      handle.flush();
      expect(JSON.parse(text())).toEqual({ level: 30, time: clock.nowMs(), access: true, ...access, latencyMs: 12.3, firstByteMs: 4.6, msg: 'exchange' });
      expect(text().split('\n')).toHaveLength(2);
    }));

  it('foreign text cannot forge a line, drive a terminal or turn its text around', () =>
    withLogger({}, ({ handle, text }) => {
      const evil = '"}\n{"level":50,"msg":"forged"}\u001b[2J\u009b1m\u202egnp';
      handle.access({ ...access, path: `/${evil}`, model: evil });
      handle.logger.info({ agent: evil }, evil);
      handle.flush();
      expect(text()).not.toMatch(/[\u0080-\u009f\u202a-\u202e]/);
      expect(text().trim().split('\n').map((line) => JSON.parse(line))).toMatchObject([{ path: `/${evil}`, model: evil }, { agent: evil, msg: evil }]);
    }));

  it('secrets do not reach any sink, whatever field they are in', () =>
    withLogger({}, ({ handle, text, sunk }) => {
      const error = new Error(`upstream said: Bearer ${canary}`, { cause: new Error(`https://x.test/?key=${canary}`) });
      handle.logger.error({ err: error, secret: new Secret(canary), headers: { authorization: canary, 'x-api-key': canary, cookie: canary }, apiKey: canary }, 'failed');
      handle.logger.child({ token: canary }).info({ deep: { list: [{ password: canary }] } }, 'child');
      handle.flush();
      expect(text()).toContain('failed');
      expect(`${text()}${sunk.join('')}`).not.toContain(canary);
    }));

  it('every sink gets the line as JSON while a terminal gets the human form', () =>
    withLogger({ isTerminal: true }, ({ handle, text, sunk }) => {
      handle.access(access);
      handle.logger.warn({ file: 'config.yaml' }, 'reload refused');
      handle.flush();
      expect(sunk.map((line) => JSON.parse(line))).toMatchObject([{ access: true, status: 200 }, { msg: 'reload refused' }]);
      expect(text()).toContain('POST /v1/chat/completions → 200 in 12 ms (first byte 5 ms)');
      expect(text()).toContain('\u001b[33mwarn \u001b[0m reload refused  \u001b[2mfile=\u001b[0mconfig.yaml\n');
    }));

  it('NO_COLOR takes the colours away, and text from outside brings none in', () =>
    withLogger({ isTerminal: true, noColor: true }, ({ handle, text }) => {
      handle.logger.error({ err: new Error('first\n\u001b[31msecond'), 'na\u001bme': 'va\u001blue' }, 'broken \u001b]0;title\u0007');
      handle.access({ ...access, path: '/\u001b[2J' });
      handle.flush();
      expect(text()).not.toContain('\u001b');
      expect(text()).toContain(String.raw`broken \x1b]0;title\x07`);
      expect(text()).toContain('create-logger.test.ts');
    }));
});
