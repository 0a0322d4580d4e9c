import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clearIfError, errorWithoutSecrets, guardArray, guardEventStream, secretForms, withoutSecrets } from '../../../internal/proxy/secret-guard.ts';
import { watchGeminiArray } from '../../../internal/dialect/stream-watch.ts';

const key = 'sk-upstream/0123456789+abcdef';
const secrets = secretForms(key);

/** The bytes of a text, cut at the given places. */
function cut(text: string, places: readonly number[]): readonly Buffer[] {
  const bytes = Buffer.from(text);
  const at = [0, ...new Set(places.map((place) => place % (bytes.length + 1))), bytes.length].toSorted((a, b) => a - b);
  return at.slice(1).map((end, index) => bytes.subarray(at[index], end));
}

function passEvents(chunks: readonly Buffer[]): string {
  const guard = guardEventStream(secrets);
  return Buffer.concat([...chunks.map((chunk) => guard.push(chunk)), guard.end()]).toString();
}

function passArray(chunks: readonly Buffer[]): string {
  const watch = watchGeminiArray();
  const guard = guardArray(secrets, watch.isBetweenParts);
  const out = chunks.map((chunk) => {
    watch.push(chunk);
    return guard.push(chunk);
  });
  return Buffer.concat([...out, guard.end()]).toString();
}

const content = `data: {"choices":[{"delta":{"content":"an error, and ${key} as the model says it"}}]}\n\n`;
const nulled = `event: response.completed\ndata: {"type":"response.completed","response":{"error":null,"output":[{"text":"${key}"}]}}\n\n`;
const errors: Readonly<Record<string, string>> = {
  'an error object': `data: {"error":{"message":"no such key: ${key}"}}\n\n`,
  'an error whose type comes last': `data: {"message":"no such key: ${key}","type":"error"}\n\n`,
  'a failed response': `event: response.failed\ndata: {"type":"response.failed","response":{"status":"failed","error":{"message":"${key}"}}}\r\n\r\n`,
  'an error beside choices': `data: {"id":"x","choices":[{"finish_reason":"error"}],"error":{"code":502,"message":"${key}"}}\n\n`,
  'an event of that name in plain words': `event: error\ndata: ${key} is no key\n\n`,
  'an error over several lines': `data: {"error":\ndata: {"message":"${key}"}}\n\n`,
  'a line that is no event': `{"error":{"message":"${key}"}}\n`,
  'an error that is never ended': `data: {"error":{"message":"${key}`,
};

describe('an error amid a stream', () => {
  it.each(Object.entries(errors))('is told without the secret, wherever it is cut: %s', (_, error) => {
    const expected = `${content}${error.replaceAll(key, '[redacted]')}`;
    expect(passEvents([Buffer.from(`${content}${error}`)])).toBe(expected);
    fc.assert(fc.property(fc.array(fc.nat(), { maxLength: 12 }), (places) => {
      expect(passEvents(cut(`${content}${error}`, places))).toBe(expected);
    }));
  });

  it('is told without the secret in an array too, wherever it is cut', () => {
    for (const layout of [undefined, 2]) {
      const text = `[${JSON.stringify({ candidates: [{ content: { parts: [{ text: key }] } }] }, undefined, layout)}\n,\r\n${JSON.stringify({ error: { code: 400, message: `no ${key}` } }, undefined, layout)}\n]\n`;
      const expected = text.replace(`no ${key}`, 'no [redacted]');
      fc.assert(fc.property(fc.array(fc.nat(), { maxLength: 12 }), (places) => {
        // In one chunk with the error, content cannot be told from it.
        const told = passArray(cut(text, [...places, text.indexOf(',\r\n')]));
        expect(told).toBe(expected);
      }));
      expect(passArray([Buffer.from(JSON.stringify({ error: { message: key } }, undefined, layout))])).toBe(JSON.stringify({ error: { message: '[redacted]' } }, undefined, layout));
    }
  });

  it.each([
    ['PHP', JSON.stringify(key).replaceAll('/', '\\/')],
    ['.NET', JSON.stringify(key).replaceAll('+', '\\u002B')],
  ])('is told without the secret as %s writes it', (_, spelled) => {
    expect(passEvents([Buffer.from(`data: {"error":{"message":${spelled}}}\n\n`)])).toBe('data: {"error":{"message":"[redacted]"}}\n\n');
  });

  it('of unusual length is told without the secret', () => {
    const long = `data: {"error":{"trace":"${'x'.repeat(200_000)}","message":"${key}"}}\n\n`;
    expect(passEvents(cut(long, [70_000, 150_000, 200_050]))).toBe(long.replaceAll(key, '[redacted]'));
  });
});

describe('what is no error', () => {
  it('goes on byte for byte, wherever it is cut', () => {
    const text = `${content}: a comment\n\n${nulled}data: [DONE]\n\n`;
    fc.assert(fc.property(fc.array(fc.nat(), { maxLength: 12 }), (places) => {
      expect(passEvents(cut(text, places))).toBe(text);
    }));
  });

  it('goes on at once, as the very bytes that came, whole or not', () => {
    const guard = guardEventStream(secrets);
    for (const text of ['data: {"choices":[{"del', 'ta":{"content":"x"}}]}\n\n', 'data: {"error":null}\n\ndata: [DONE]\n\n', `data: ${'a'.repeat(100_000)}`]) expect(guard.push(Buffer.from(text)).toString()).toBe(text);
    const chunk = Buffer.from('\n\ndata: {}\n\n');
    guard.push(chunk);
    expect(guard.push(chunk)).toBe(chunk);
  });

  it('is left alone in whole answers and messages', () => {
    const answer = Buffer.from(`{"error":null,"text":"${key}"}`);
    expect(clearIfError(answer, secrets)).toBe(answer);
    expect(clearIfError(Buffer.from(`{"error":{"message":"${key}"}}`), secrets).toString()).toBe('{"error":{"message":"[redacted]"}}');
  });
});

describe('clearing', () => {
  it('gives what holds no secret back as it is', () => {
    const body = Buffer.from('{}');
    const error = { message: 'busy', type: 'api_error', code: 'x', status: 500 };
    expect([withoutSecrets(body, secrets) === body, errorWithoutSecrets(error, secrets) === error]).toEqual([true, true]);
    expect(errorWithoutSecrets({ ...error, message: `${key}: ${key}`, code: key }, secrets)).toEqual({ ...error, message: '[redacted]: [redacted]', code: '[redacted]' });
  });
});
