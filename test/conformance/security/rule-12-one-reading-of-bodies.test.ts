import { readdirSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { send } from '../../support/raw-http.ts';
import { answerPlainly, asClient, asManager, clientKey, dialectCases, startFourDialects, type FourDialects } from '../../support/four-dialects.ts';
import { answerJson } from '../../support/scripted-upstream.ts';

let rig: FourDialects;
beforeAll(async () => {
  rig = await startFourDialects('max-body-mb: 8\n');
});
afterAll(() => rig.stop());
beforeEach(() => rig.upstream.setScript(answerPlainly));

const codeOf = (body: Buffer): unknown => {
  const { error } = JSON.parse(body.toString());
  return error.details?.[0]?.reason ?? error.code;
};
async function refusal(path: string, body: string | Buffer, headers: Record<string, string> = {}): Promise<unknown> {
  const before = rig.upstream.seen.length;
  const answer = await send(rig.daemon.url, { method: 'POST', path, headers: { ...asClient, ...headers }, body });
  expect(rig.upstream.seen.length, 'nothing may reach the upstream').toBe(before);
  return `${answer.status} ${String(codeOf(answer.body))}`;
}

describe('rule 12: a body that two parsers could read in two ways goes nowhere', () => {
  it.each(dialectCases)('$dialect: a member Keyward decides on stands once, however it is spelled', async ({ path, body }) => {
    const more = JSON.stringify(body).slice(1);
    for (const [first, second] of [['"model":"a"', '"model":"b"'], ['"model":"a"', '"mod\\u0065l":"b"'], ['"\\u006dodel":"a"', '"model":"b"'], ['"stream":true', '"stream":false'], ['"stream":true', '"\\u0073tream":false'], ['"store":false', '"store":true'], ['"previous_response_id":null', '"previous_response_id":"x"']]) {
      expect(await refusal(path, `{${first},${second},${more}`), `${first} ${second}`).toBe('400 duplicate_member');
    }
    // Some decoders, Go's among them, take these for the same member; the last one wins there.
    for (const variant of ['"Model":"b"', '"MODEL":"b"', '"mOde\\u006c":"b"', '"\u017ftream":true', '"Stream":true', '"previous_re\u017fponse_id":"x"', '"bac\u212Aground":true']) {
      expect(await refusal(path, `{${variant},${more}`), variant).toBe('400 duplicate_member');
    }
  });

  it.each(dialectCases)('$dialect: members Keyward does not decide on may be as they are', async ({ path, body }) => {
    const text = `{"x":1,"x":2,"X":3,"nested":{"model":"a","model":"b"},${JSON.stringify(body).slice(1)}`;
    const answer = await send(rig.daemon.url, { method: 'POST', path, headers: asClient, body: text });
    expect([answer.status, rig.upstream.seen.at(-1)?.body.toString()]).toEqual([200, text]);
  });

  it.each(dialectCases)('$dialect: invalid UTF-8, a byte order mark and 257 levels are refused, 256 pass', async ({ path, body }) => {
    const more = JSON.stringify(body).slice(1);
    const wrapped = (bytes: readonly number[]): Buffer => Buffer.concat([Buffer.from('{"x":"'), Buffer.from(bytes), Buffer.from(`",${more}`)]);
    // Lone bytes, an overlong slash, a surrogate, beyond U+10FFFF, a cut sequence.
    for (const bytes of [[0xff], [0x80], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]]) expect(await refusal(path, wrapped(bytes)), String(bytes)).toBe('400 invalid_json');
    expect(await refusal(path, `\uFEFF${JSON.stringify(body)}`)).toBe('400 invalid_json');
    expect(await refusal(path, Buffer.from(JSON.stringify(body), 'utf16le'))).toBe('400 invalid_json');
    const nested = (levels: number): string => `{"x":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)},${more}`;
    expect(await refusal(path, nested(257))).toBe('400 invalid_json');
    expect((await send(rig.daemon.url, { method: 'POST', path, headers: asClient, body: nested(256) })).status).toBe(200);
  });

  it('what is no JSON to a strict reader is refused: comments, trailing commas, single quotes, NaN, text after the end', async () => {
    const { path } = dialectCases[0] ?? { path: '' };
    for (const text of ['{"model":"a",}', "{'model':'a'}", '{"model":"a"/**/}', '{"model":"a","x":NaN}', '{"model":"a","x":01}', '{"model":"a"}{"model":"b"}', '{"model":"a"}\0', '{"model":"a","x":"\n"}', '{"model":"a","x":"\\x41"}', '[{"model":"a"}]', '"model"', 'null', '{"model":"a"']) {
      expect(await refusal(path, text), text).toBe('400 invalid_json');
    }
  });
});

const part = (head: string, content: string): string => `--B\r\n${head}\r\n\r\n${content}\r\n`;
const named = (name: string): string => `Content-Disposition: form-data; name="${name}"`;
const file = part('Content-Disposition: form-data; name="file"; filename="a.wav"\r\nContent-Type: audio/wav', 'RIFF');
const model = part(named('model'), 'whisper-1');
const formType = { 'content-type': 'multipart/form-data; boundary=B' };
const transcriptions = '/v1/audio/transcriptions';

describe('rule 12: a form names one model, to every parser', () => {
  it('a second model part is refused, before or after the first, large or small', async () => {
    expect(await refusal(transcriptions, `${model}${file}${part(named('model'), 'other')}--B--\r\n`, formType)).toBe('400 duplicate_member');
    const large = part('Content-Disposition: form-data; name="file"; filename="a.wav"', 'A'.repeat(3_000_000));
    expect(await refusal(transcriptions, `${model}${large}${model}--B--\r\n`, formType)).toBe('400 duplicate_member');
  });

  it.each([
    ['a name inside another quoted value', 'Content-Disposition: form-data; filename="; name=zzz"; name="model"'],
    ['two names', 'Content-Disposition: form-data; name="zzz"; name="model"'],
    ['an extended name', "Content-Disposition: form-data; name=\"zzz\"; name*=utf-8''model"],
    ['an escaped quote', 'Content-Disposition: form-data; filename="a\\"; name="model"; x="b"'],
    ['an escaped letter', 'Content-Disposition: form-data; name="mode\\l"'],
    ['two headers', 'Content-Disposition: form-data; name="zzz"\r\nContent-Disposition: form-data; name="model"'],
    ['a bare line feed', 'Content-Disposition: form-data; name="zzz"\nContent-Disposition: form-data; name="model"'],
    ['a folded line', 'Content-Disposition: form-data;\r\n name="model"'],
    ['a space before the colon', 'Content-Disposition : form-data; name="model"'],
    ['no form-data', 'Content-Disposition: attachment; name="model"'],
  ])('a part whose name is told by %s is refused', async (_, head) => {
    const answer = await send(rig.daemon.url, { method: 'POST', path: transcriptions, headers: { ...asClient, ...formType }, body: `${model}${part(head, 'dear')}--B--\r\n` });
    expect(answer.status).toBe(400);
  });

  it.each([
    ['a boundary after a bare line feed', `${part(named('x'), `text\n--B\n${named('model')}\n\ndear`)}${model}--B--\r\n`],
    ['a boundary after a bare carriage return', `${part(named('x'), `text\r--B\r${named('model')}\r\rdear`)}${model}--B--\r\n`],
    ['a part after the end', `${model}--B--\r\n${part(named('model'), 'dear')}--B--\r\n`],
    ['a coded model', `${model}${part(`${named('model')}\r\nContent-Transfer-Encoding: base64`, 'ZGVhcg==')}--B--\r\n`],
  ])('%s is refused', async (_, text) => {
    expect(await refusal(transcriptions, text, formType)).toMatch(/^400 /);
  });

  it.each(['multipart/form-data; boundary=B; boundary=C', 'multipart/form-data; x="; boundary=C"; boundary=B; x=1', 'multipart/form-data', 'multipart/form-data; boundary=""', 'multipart/form-data; boundary=B,C;'])('a content type that names its boundary in two ways is refused: %s', async (contentType) => {
    expect(await refusal(transcriptions, `${model}--B--\r\n`, { 'content-type': contentType })).toMatch(/^4(00|15) /);
  });
});

describe('rule 12: a large form lies in a file of ours only while it is needed', () => {
  const spool = (): string => join(rig.daemon.folder, 'data', 'spool');
  const spooled = (): readonly string[] => readdirSync(spool());
  const largeForm = Buffer.from(`${part('Content-Disposition: form-data; name="file"; filename="a.wav"', 'A'.repeat(5_000_000))}${model}--B--\r\n`);
  const head = (length: number): string => `POST ${transcriptions} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${clientKey}\r\nContent-Type: multipart/form-data; boundary=B\r\nContent-Length: ${length}\r\n\r\n`;

  it('mode 0600 in a folder of mode 0700, removed once it was sent on, sent on whole', async () => {
    let seenModes: readonly number[] = [];
    rig.upstream.setScript((_, res) => {
      seenModes = spooled().map((name) => statSync(join(spool(), name)).mode & 0o777);
      answerJson(res, 200, { text: 'ok' });
    });
    const answer = await send(rig.daemon.url, { method: 'POST', path: transcriptions, headers: { ...asClient, ...formType }, body: largeForm });
    expect(answer.status).toBe(200);
    expect(seenModes).toEqual([0o600]);
    expect(statSync(spool()).mode & 0o777).toBe(0o700);
    expect(rig.upstream.seen.at(-1)?.body.equals(largeForm)).toBe(true);
    await vi.waitFor(() => expect(spooled()).toEqual([]));
  });

  it.each([
    ['an upload that breaks off', (socket: ReturnType<typeof connect>) => socket.destroy()],
    ['an upload that is reset', (socket: ReturnType<typeof connect>) => socket.resetAndDestroy()],
  ])('%s leaves no file', async (_, breakOff) => {
    const socket = connect(rig.daemon.port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(head(largeForm.length));
    socket.write(largeForm.subarray(0, 3_000_000));
    await vi.waitFor(() => expect(spooled().length).toBe(1));
    breakOff(socket);
    await vi.waitFor(() => expect(spooled()).toEqual([]));
  });

  it('a refused form leaves no file: too large, or an upstream that fails', async () => {
    const tooLarge = Buffer.concat([largeForm.subarray(0, 4_000_000), Buffer.alloc(5_000_000, 65)]);
    const answer = await send(rig.daemon.url, { method: 'POST', path: transcriptions, headers: { ...asClient, ...formType, 'transfer-encoding': 'chunked' }, body: tooLarge });
    expect([answer.status, codeOf(answer.body)]).toEqual([413, 'body_too_large']);
    rig.upstream.setScript((_, res) => res.destroy());
    expect((await send(rig.daemon.url, { method: 'POST', path: transcriptions, headers: { ...asClient, ...formType }, body: largeForm })).status).toBe(502);
    await vi.waitFor(() => expect(spooled()).toEqual([]));
    // The exchange ends a moment after its answer has arrived.
    await vi.waitFor(async () => {
      const status = JSON.parse((await send(rig.daemon.url, { path: '/v0/management/status', headers: asManager })).body.toString());
      expect(status.open_exchanges).toBe(0);
    });
  });
});
