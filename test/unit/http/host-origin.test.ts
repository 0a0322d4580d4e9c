import type { IncomingHttpHeaders } from 'node:http';
import { describe, expect, it } from 'vitest';
import { corsHeaders, preflightHeaders, readWebFacts, refuseForeignPage } from '../../../internal/http/host-origin.ts';
import { decodeWebRules } from '../../../internal/http/web-origins.ts';

const settings = {
  publicUrl: 'https://kw.example/base',
  allowedHosts: ['keyward', 'Proxy.Internal.', '*.corp.example', 'named:8080'],
  allowedOrigins: ['https://app.example', 'http://tool.example:80', 'vscode-webview://*', 'app://obsidian.md'],
};
const { rules } = decodeWebRules(settings);
const wide = decodeWebRules({ ...settings, allowedOrigins: ['*', 'null'] }).rules;
const anyNull = decodeWebRules({ ...settings, allowedOrigins: ['null', 'https://*'] }).rules;

function refusal(headers: IncomingHttpHeaders, scope: 'own-only' | 'listed' | 'listed-and-wildcards' = 'listed', using = rules, hasKey = false): string {
  const error = refuseForeignPage(readWebFacts(using, headers), headers, scope, hasKey);
  return error === undefined ? 'passes' : String(error.status);
}

describe('Host', () => {
  it.each([
    'localhost', 'localhost:8317', 'LOCALHOST:1', 'localhost.', 'kw.localhost', '127.0.0.1:8317', '127.0.0.2', '[::1]:8317', '[::1]', '192.168.1.5:8317', '0.0.0.0:8317',
    'kw.example', 'KW.example:443', 'keyward:8317', 'proxy.internal', 'proxy.internal.:80', 'a.corp.example', 'a.b.corp.example:1', 'named', 'named:9',
  ])('%s is served', (host) => {
    expect(refusal({ host })).toBe('passes');
  });

  it.each([
    'evil.test', 'evil.test:8317', 'localhost.evil.test', 'evillocalhost', 'corp.example', 'evilcorp.example', 'xkeyward', '127.0.0.1.evil.test', '0x7f.1', '2130706433', '127.1',
    '', ' ', 'localhost:8317@evil.test', 'localhost, evil.test', '[::1', '::1', '[127.0.0.1]', 'localhost:port', 'localhost/x', '*.corp.example', 'lo calhost',
  ])('%j is 421, unless a valid credential came in a header', (host) => {
    expect(refusal({ host })).toBe('421');
    expect(refusal({ host }, 'listed', rules, true)).toBe('passes');
  });

  it('that is refused is named, escaped, with the line to add', () => {
    const headers = { host: 'kw.home:8317' };
    const error = refuseForeignPage(readWebFacts(rules, headers), headers, 'listed', false);
    expect(error?.message).toContain('"kw.home:8317"');
    expect(error?.message).toContain('allowed-hosts: ["kw.home"]');
    const hostile = { host: 'a\u001b[31m\u202eb' };
    const escaped = refuseForeignPage(readWebFacts(rules, hostile), hostile, 'listed', false)?.message ?? '';
    expect(escaped).not.toContain('\u001b');
    expect(escaped).not.toContain('\u202e');
    expect(escaped).toContain(String.raw`\x1b[31m\u202eb`);
  });

  it('may be absent, as no browser leaves it out', () => {
    expect(refusal({})).toBe('passes');
  });
});

describe('Origin', () => {
  it.each([
    ['http://localhost:8317', 'localhost:8317'],
    ['https://localhost:8317', 'LOCALHOST:8317'],
    ['http://localhost', 'localhost'],
    ['http://localhost', 'localhost:80'],
    ['https://127.0.0.1', '127.0.0.1:443'],
    ['http://[::1]:8317', '[::1]:8317'],
    ['http://a.corp.example:1', 'a.corp.example:1'],
    ['https://kw.example', 'localhost:8317'],
  ])('%s sent to Host %s is our own', (origin, host) => {
    expect(refusal({ host, origin }, 'own-only')).toBe('passes');
  });

  it.each([
    ['http://localhost:3000', 'localhost:8317'],
    ['http://localhost', 'localhost:8317'],
    ['http://localhost:8317', '127.0.0.1:8317'],
    ['http://kw.example', 'localhost:8317'],
    ['https://evil.test', 'localhost:8317'],
    ['http://localhost:8317.evil.test', 'localhost:8317'],
    ['http://localhost:8317/', 'localhost:8317'],
    ['http://x@localhost:8317', 'localhost:8317'],
    ['ftp://localhost:8317', 'localhost:8317'],
    ['localhost:8317', 'localhost:8317'],
    ['null', 'localhost:8317'],
    ['', 'localhost:8317'],
    ['http://localhost:8317, https://evil.test', 'localhost:8317'],
    ['https://app.example.evil.test', 'localhost:8317'],
    ['http://app.example', 'localhost:8317'],
    ['https://app.example:444', 'localhost:8317'],
  ])('%j sent to Host %s is 403, unless a valid credential came in a header', (origin, host) => {
    expect(refusal({ host, origin }, 'listed-and-wildcards')).toBe('403');
    expect(refusal({ host, origin }, 'listed-and-wildcards', rules, true)).toBe('passes');
  });

  it('equal to a Host that is not served is no defence (DNS rebinding)', () => {
    expect(refusal({ host: 'evil.test:8317', origin: 'http://evil.test:8317' })).toBe('421');
  });

  it.each(['https://app.example', 'https://APP.example:443', 'http://tool.example', 'vscode-webview://1a2b', 'app://obsidian.md'])('%s is allowed by the list, for the API alone', (origin) => {
    expect(refusal({ host: 'localhost', origin })).toBe('passes');
    expect(refusal({ host: 'localhost', origin }, 'own-only')).toBe('403');
  });

  it.each(['https://anything.test', 'http://localhost:3000', 'null', 'vscode-webview://x'])('%s is allowed by `*` only while keys are required', (origin) => {
    expect(refusal({ host: 'localhost', origin }, 'listed-and-wildcards', wide)).toBe('passes');
    expect(refusal({ host: 'localhost', origin }, 'listed', wide)).toBe('403');
    expect(refusal({ host: 'localhost', origin }, 'own-only', wide)).toBe('403');
  });

  it('`https://*` is as wide as `*`, and `null` allows only null', () => {
    expect(refusal({ host: 'localhost', origin: 'https://evil.test' }, 'listed', anyNull)).toBe('403');
    expect(refusal({ host: 'localhost', origin: 'https://evil.test' }, 'listed-and-wildcards', anyNull)).toBe('passes');
    expect(refusal({ host: 'localhost', origin: 'http://evil.test' }, 'listed-and-wildcards', anyNull)).toBe('403');
    expect(refusal({ host: 'localhost', origin: 'null' }, 'listed-and-wildcards', anyNull)).toBe('passes');
  });
});

describe('Sec-Fetch-Site', () => {
  it.each([['cross-site', '403'], ['same-site', '403'], ['same-origin', 'passes'], ['none', 'passes']])('%s without Origin: %s', (site, expected) => {
    expect(refusal({ host: 'localhost', 'sec-fetch-site': site })).toBe(expected);
    expect(refusal({ host: 'localhost', 'sec-fetch-site': site }, 'listed', rules, true)).toBe('passes');
  });

  it('does not stand against an Origin that is listed', () => {
    expect(refusal({ host: 'localhost', origin: 'https://app.example', 'sec-fetch-site': 'cross-site' })).toBe('passes');
  });
});

describe('CORS headers', () => {
  const cors = (headers: IncomingHttpHeaders, scope: 'own-only' | 'listed' | 'listed-and-wildcards' = 'listed') => corsHeaders(readWebFacts(rules, headers), headers, scope);

  it('name the Origin for listed origins', () => {
    expect(cors({ host: 'localhost', origin: 'https://app.example' })).toMatchObject({ 'access-control-allow-origin': 'https://app.example', vary: 'Origin' });
  });

  it('are not sent for others, nor for our own, nor off the API', () => {
    expect(cors({ host: 'localhost', origin: 'https://evil.test' })).toEqual({});
    expect(cors({ host: 'localhost:1', origin: 'http://localhost:1' })).toEqual({});
    expect(cors({ host: 'localhost' })).toEqual({});
    expect(cors({ host: 'localhost', origin: 'https://app.example' }, 'own-only')).toEqual({});
  });

  it('of a preflight echo the asked headers only when they are plain names', () => {
    expect(preflightHeaders({ 'access-control-request-headers': 'authorization, x-stainless-os' }, 'POST')['access-control-allow-headers']).toBe('authorization, x-stainless-os');
    expect(preflightHeaders({ 'access-control-request-headers': 'a\u0000;b' }, 'POST')['access-control-allow-headers']).not.toContain(';');
    expect(preflightHeaders({ 'access-control-request-private-network': 'true' }, 'POST')['access-control-allow-private-network']).toBe('true');
    expect(preflightHeaders({}, 'POST')['access-control-allow-private-network']).toBeUndefined();
  });
});

describe('the settings', () => {
  it('are refused by their dotted path when they would not do what they say', () => {
    const { problems } = decodeWebRules({
      publicUrl: 'kw.example',
      allowedHosts: ['*', 'http://x', 'a b', '*.ok.example'],
      allowedOrigins: ['https://app.example/', 'app.example', 'https://*.example', 'https://ok.example', '*', 'null', 'vscode-webview://*'],
    });
    expect(problems.map((problem) => `${problem.severity} ${problem.path}`)).toEqual([
      'error public-url', 'error allowed-hosts.0', 'error allowed-hosts.1', 'error allowed-hosts.2', 'error allowed-origins.0', 'error allowed-origins.1', 'error allowed-origins.2',
    ]);
  });
});
