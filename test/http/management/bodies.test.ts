import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { openManagement } from './fixture.ts';

const json = { 'content-type': 'application/json' };

describe('bodies of management requests', () => {
  it.each(['text/plain', 'application/x-www-form-urlencoded', 'application/json; charset=latin1', ''])('a JSON route refuses content type %j with 415', async (type) => {
    const management = openManagement('debug: false\n');
    const refused = await management.send('PUT', '/debug', { body: new TextEncoder().encode('{"value":true}'), headers: type === '' ? {} : { 'content-type': type } });
    expect([refused.status, refused.code]).toEqual([415, 'unsupported_media_type']);
    expect(management.config.current().config.debug).toBe(false);
  });

  it('a charset of UTF-8 is accepted', async () => {
    expect((await openManagement('').send('PUT', '/debug', { body: '{"value":true}', headers: { 'content-type': 'Application/JSON; charset="UTF-8"' } })).status).toBe(200);
  });

  it.each([
    ['{"value":\n  tru}', 2, 6],
    ['', 1, 1],
    ['{"value":true', 1, 14],
    ['1,"x":2', 1, 1],
    ['{"value":true} x', 1, 16],
  ])('unparsable JSON %j is 400 with line and column', async (body, line, column) => {
    const refused = await openManagement('').send('PUT', '/debug', { body, headers: json });
    expect([refused.status, refused.body['error']]).toMatchObject([400, { code: 'invalid_json', line, column }]);
  });

  it('a member that stands twice is refused, for parsers disagree on which one counts', async () => {
    const refused = await openManagement('').send('PUT', '/debug', { body: '{"value":false,"value":true}', headers: json });
    expect([refused.status, refused.code]).toEqual([400, 'duplicate_member']);
  });

  it('bytes that are not UTF-8, a byte order mark, and 300 levels of nesting are 400', async () => {
    const management = openManagement('');
    for (const body of [Uint8Array.of(0x22, 0xff, 0x22), Uint8Array.of(0xef, 0xbb, 0xbf, 0x7b, 0x7d), new TextEncoder().encode('['.repeat(300) + ']'.repeat(300))]) {
      expect((await management.send('PUT', '/debug', { body, headers: json })).status).toBe(400);
    }
  });

  it('a body over 1 MB is 413, also when it only gets there by decompression', async () => {
    const management = openManagement('');
    const large = JSON.stringify({ value: 'x'.repeat(1_048_577) });
    expect((await management.send('PUT', '/proxy-url', { body: large, headers: json })).code).toBe('body_too_large');
    const packed = await management.send('PUT', '/proxy-url', { body: Uint8Array.from(gzipSync(large)), headers: { ...json, 'content-encoding': 'gzip' } });
    expect([packed.status, packed.code]).toEqual([413, 'body_too_large']);
  });

  it('gzip is decoded, an unknown coding is 415, and bytes that are no gzip are 400', async () => {
    const management = openManagement('');
    const body = Uint8Array.from(gzipSync('{"value":true}'));
    expect((await management.send('PUT', '/debug', { body, headers: { ...json, 'content-encoding': 'gzip' } })).status).toBe(200);
    expect((await management.send('PUT', '/debug', { body, headers: { ...json, 'content-encoding': 'gzip, gzip' } })).status).toBe(415);
    expect((await management.send('PUT', '/debug', { body: 'plain', headers: { ...json, 'content-encoding': 'gzip' } })).status).toBe(400);
  });

  it('answers are never stored and never sniffed', async () => {
    const management = openManagement('');
    for (const path of ['/config', '/config.yaml', '/debug', '/api-keys', '/status', '/audit', '/usage']) {
      const { headers } = await management.send('GET', path);
      expect([path, headers.get('cache-control'), headers.get('x-content-type-options')]).toEqual([path, 'no-store', 'nosniff']);
    }
  });
});
