import { describe, expect, it } from 'vitest';
import { parseMembers, parsePasted, parseQuery } from '../../../internal/upstreamauth/parse-return.ts';

const whole = { code: 'c-1', state: 's-1', error: '', errorDescription: '', iss: '' };

describe('what a browser or a person brings back', () => {
  it.each([
    'http://localhost:54545/callback?code=c-1&state=s-1',
    'http://127.0.0.1:54545/callback?state=s-1&code=c-1',
    'http://[::1]:54545/callback?code=c-1&state=s-1#_=_',
    'https://keyward.example/anthropic/callback?code=c-1&state=s-1',
    'HTTP://LOCALHOST:54545/callback?code=c-1&state=s-1',
    '  http://localhost:54545/callback?code=c-1&st\n   ate=s-1  \r\n',
    'http://localhost:1455/auth/callback#code=c-1&state=s-1',
    '?code=c-1&state=s-1',
    'code=c-1&state=s-1&scope=openid+email',
    'c-1#s-1',
    ' c-1#s-1\n',
  ])('%j is read', (text) => {
    expect(parsePasted(text)).toEqual({ ok: true, value: whole });
  });

  it('codes keep what looks like markup of addresses', () => {
    expect(parsePasted('http://localhost/cb?code=a%2Fb%2B%3D%3D&state=s')).toMatchObject({ ok: true, value: { code: 'a/b+==' } });
    expect(parsePasted('ab==#s')).toMatchObject({ ok: true, value: { code: 'ab==', state: 's' } });
  });

  it('an error with its description is read', () => {
    expect(parseQuery('error=access_denied&error_description=no%20way&state=s&iss=https%3A%2F%2Fa.example')).toEqual({ ok: true, value: { code: '', state: 's', error: 'access_denied', errorDescription: 'no way', iss: 'https://a.example' } });
  });

  it.each(['', '   ', 'c-1', 'c-1#', '#s-1', 'a#b#c', 'two words', 'http://', 'http://localhost/cb', 'http://localhost/cb?code=c', 'http://localhost/cb?state=s', 'code=c&state=s&error=e', `code=${'c'.repeat(9_000)}&state=s`, `code=c&state=${'s'.repeat(300)}`, `http://localhost/cb?code=c&state=s&x=${'x'.repeat(20_000)}`])('%j is refused', (text) => {
    expect(parsePasted(text)).toMatchObject({ ok: false, error: { code: 'invalid_request' } });
  });

  it.each([
    [{ redirect_url: 'http://localhost/cb?code=c-1&state=s-1' }, true],
    [{ code: 'c-1', state: 's-1' }, true],
    [{ code: 'c-1#s-1' }, true],
    [{ code: 'c-1#s-1', state: 's-1' }, true],
    [{ code: 'c-1#s-2', state: 's-1' }, false],
    [{ redirect_url: 'http://localhost/cb?code=c-1&state=s-1', state: 's-2' }, false],
    [{ redirect_url: 7 }, false],
    [{ code: ['c-1'], state: 's-1' }, false],
    [{ state: 's-1' }, false],
    [{}, false],
  ])('members %j: %j', (members, isFine) => {
    const parsed = parseMembers(members);
    if (isFine) expect(parsed).toEqual({ ok: true, value: whole });
    else expect(parsed).toMatchObject({ ok: false, error: { code: 'invalid_request' } });
  });

  it('refusals repeat nothing of what was brought', () => {
    for (const text of ['secretcode', 'secretcode#a#b', 'code=secretcode&code=secretcode&state=s']) {
      const parsed = parsePasted(text);
      expect(parsed.ok ? '' : parsed.error.message).not.toMatch(/^$|secretcode/);
    }
  });
});
