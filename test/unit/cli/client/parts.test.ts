import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isAlive, isFresh } from '../../../../internal/cli/client/bearer.ts';
import type { ClientContext } from '../../../../internal/cli/client/contexts.ts';
import { findCommand } from '../../../../internal/cli/client/run-child.ts';
import { contextNameOf, parseServer } from '../../../../internal/cli/client/server-address.ts';
import { chooseName } from '../../../../internal/cli/client/store-credential.ts';
import { toolEnvironment } from '../../../../internal/cli/client/tool-environment.ts';
import { createFolder } from '../fake-process.ts';

describe('a token is renewed before its end', () => {
  const minuteMs = 60_000;
  it.each([
    ['of 15 minutes', 15, 12, true],
    ['of 15 minutes', 15, 12.1, false],
    ['of 2 minutes', 2, 1.1, false],
    ['of 2 minutes', 2, 0.9, true],
    ['of 1 minute', 1, 0.4, true],
    ['of 1 minute', 1, 0.6, false],
    ['of an hour', 60, 47, true],
    ['of an hour', 60, 49, false],
  ])('one %s (%d) after %d minutes: still fresh is %s', (_words, life, after, isStill) => {
    const token = { issuedAtMs: 1_000_000, expiresAtMs: 1_000_000 + life * minuteMs };
    expect(isFresh(token, 1_000_000 + after * minuteMs - 1)).toBe(isStill);
  });

  it('a clock that was set back does not make an old one young', () => {
    const token = { issuedAtMs: 10_000_000, expiresAtMs: 10_000_000 + 15 * minuteMs };
    expect(isFresh(token, 10_000_000 - 30_000)).toBe(true);
    expect(isFresh(token, 10_000_000 - 5 * minuteMs)).toBe(false);
    expect([isAlive(token, token.expiresAtMs - 5_000), isAlive(token, token.expiresAtMs - 1_000)]).toEqual([true, false]);
  });
});

describe('the address of a server', () => {
  it.each([
    ['https://keyward.example.com/', 'https://keyward.example.com'],
    ['keyward.example.com', 'https://keyward.example.com'],
    ['https://example.com/keyward/', 'https://example.com/keyward'],
    ['http://localhost:8317', 'http://localhost:8317'],
    ['http://[::1]:8317/', 'http://[::1]:8317'],
  ])('%s is %s', (text, server) => {
    expect(parseServer(text)).toEqual({ ok: true, value: server });
  });

  it.each(['http://example.com', 'http://192.168.1.5:8317', 'http://localhost.evil.test', 'http://127.0.0.1.evil.test', 'ftp://example.com', 'https://a:b@example.com', 'https://example.com?x=1', 'https://example.com#x', 'http://169.254.169.254'])('%s is refused', (text) => {
    expect(parseServer(text)).toMatchObject({ ok: false, error: { code: 'invalid_request' } });
  });

  it.each([
    ['http://localhost:8317', 'localhost-8317'],
    ['https://keyward.example.com', 'keyward.example.com'],
    ['https://example.com/team/one', 'example.com-team-one'],
    ['http://[::1]:8317', '1-8317'],
  ])('%s is called %s', (server, name) => {
    expect(contextNameOf(server)).toBe(name);
  });
});

describe('the name of a new login', () => {
  const login: ClientContext = { server: 'https://k.example', credential: 'login', store: 'file', subject: 'ann', label: '', organization: 'acme' };
  const all = (entries: Readonly<Record<string, Partial<ClientContext>>>): ReadonlyMap<string, ClientContext> => new Map(Object.entries(entries).map(([name, more]) => [name, { ...login, ...more }]));

  it('is that of the same person at the same server', () => {
    expect(chooseName({ current: '', all: all({ mine: {} }) }, undefined, login)).toEqual({ ok: true, value: 'mine' });
    expect(chooseName({ current: 'b', all: all({ a: {}, b: {} }) }, undefined, login)).toEqual({ ok: true, value: 'b' });
    expect(chooseName({ current: '', all: all({ out: { credential: 'none', subject: '', organization: '' } }) }, undefined, login)).toEqual({ ok: true, value: 'out' });
  });

  it('is a new one for another person, organization, server or kind', () => {
    for (const other of [{ subject: 'bob' }, { organization: 'other' }, { server: 'https://l.example' }, { credential: 'key' as const }]) {
      expect(chooseName({ current: 'k.example', all: all({ 'k.example': other }) }, undefined, login)).toEqual({ ok: true, value: 'k.example-2' });
    }
  });
});

describe('a command is looked for as a shell does', () => {
  it('in the PATH, and by its path', () => {
    const cwd = createFolder();
    mkdirSync(join(cwd, 'bin'));
    writeFileSync(join(cwd, 'bin', 'tool'), '');
    const look = (command: string): string => findCommand({ env: { PATH: `/nowhere:${join(cwd, 'bin')}` }, cwd, platform: 'linux' }, command);
    expect([look('tool'), look('./bin/tool'), look('other'), look('bin')]).toEqual(['not_executable', 'not_executable', 'missing', 'missing']);
    chmodSync(join(cwd, 'bin', 'tool'), 0o700);
    expect([look('tool'), look('./bin/tool'), look(join(cwd, 'bin', 'tool'))]).toEqual(['found', 'found', 'found']);
  });
});

describe('the environment of a tool', () => {
  it('keeps what was there, and takes out what would lead past Keyward', () => {
    const env = toolEnvironment({ HOME: '/home/ann', OPENAI_API_KEY: 'sk-own', OPENAI_ORG_ID: 'org', GOOGLE_GENAI_USE_VERTEXAI: 'true', GONE: undefined }, { server: 'https://k.example', key: 'kw_live_x' }, '/usr/bin/python3');
    expect(env).toMatchObject({ HOME: '/home/ann', OPENAI_API_KEY: 'kw_live_x', ANTHROPIC_API_KEY: 'kw_live_x' });
    for (const name of ['OPENAI_ORG_ID', 'GOOGLE_GENAI_USE_VERTEXAI', 'GONE']) expect(env).not.toHaveProperty(name);
    expect(toolEnvironment({ ANTHROPIC_API_KEY: 'sk-own' }, { server: 'https://k.example', key: 'kw_live_x' }, '/usr/local/bin/claude')).not.toHaveProperty('ANTHROPIC_API_KEY');
  });
});
