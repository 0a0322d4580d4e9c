import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { accountsFromConfig } from '../../../internal/accounts/from-config.ts';
import { configOf } from '../../support/config.ts';
import { createFakeKeeper } from '../../support/fake-keeper.ts';
import { startProxyRig, type ProxyRig } from '../../support/proxy-rig.ts';
import { send } from '../../support/raw-http.ts';

let upstream: Server | undefined;
let rig: ProxyRig | undefined;
afterEach(async () => {
  await rig?.close();
  upstream?.closeAllConnections();
  upstream?.close();
});

/** A chat client on an upstream of Anthropic's protocol that answers with these bytes, or of its own. */
async function askFor(answer: (write: (text: string) => void) => void, { isTranslated = true, isStream = false } = {}): ReturnType<typeof send> {
  upstream = createServer((req, res) => {
    req.resume();
    const { socket } = res;
    answer((text) => void socket?.write(text, 'latin1'));
    socket?.end();
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  const address = upstream.address();
  const url = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`;
  const entry = { 'api-key': 'sk-upstream-0123456789', 'base-url': url, models: [{ name: 'm' }] };
  const config = isTranslated ? { 'claude-api-key': [entry] } : { 'openai-compatibility': [{ name: 'e', 'base-url': url, models: [{ name: 'm' }] }] };
  rig = await startProxyRig({ accounts: accountsFromConfig(configOf(config)).accounts, tokens: createFakeKeeper(), config });
  return send(rig.url, { method: 'POST', path: '/v1/chat/completions', headers: { 'content-type': 'application/json' }, body: JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'hi' }], ...(isStream ? { stream: true } : {}) }) });
}

const good = (type: string): string => `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\nconnection: close\r\n\r\n`;
const messageOf = (body: Buffer): unknown => Reflect.get(Reflect.get(JSON.parse(body.toString()), 'error'), 'message');

describe('a good answer that cannot be carried over', () => {
  it.each([
    ['is no answer of its dialect', (write: (text: string) => void) => write(`${good('application/json')}{"hello":"world"}`), 'The upstream answered with something that is no answer of its dialect.'],
    ['is no JSON', (write: (text: string) => void) => write(`${good('application/json')}<html>`), 'The upstream answered with something that is no answer of its dialect.'],
    [
      'is too large',
      (write: (text: string) => void) => {
        write(`${good('application/json')}{"type":"message","content":"`);
        for (let i = 0; i < 65; i++) write('x'.repeat(1_048_576));
        write('"}');
      },
      'The upstream\'s answer is too large to be carried over.',
    ],
  ])('is refused in words that say so: it %s', async (_, answer, message) => {
    const { status, body } = await askFor(answer);
    expect([status, messageOf(body)]).toEqual([502, message]);
    expect(JSON.parse(body.toString())).not.toHaveProperty('error.upstream_status');
  });

  it('a failure of the upstream’s own stays its own', async () => {
    const { status, body } = await askFor((write) => write(`${good('application/json')}{"type":"error","error":{"type":"api_error","message":"internal: host 10.0.0.7 is down"}}`));
    expect([status, messageOf(body)]).toEqual([502, 'The upstream failed with status 500.']);
  });
});

describe('an upstream’s retry-after on a failure', () => {
  const failed = (value: string): string => `HTTP/1.1 503 Busy\r\nretry-after: ${value}\r\ncontent-type: application/json\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`;

  it.each([
    ['30', '30'],
    ['Wed, 21 Oct 2026 07:28:00 GMT', 'Wed, 21 Oct 2026 07:28:00 GMT'],
    ['1.5', '1.5'],
    ['5 \u00e2\u0082\u00ac', undefined],
    ['5\tsoon', undefined],
    ['5\u00a0', undefined],
    ['soon', undefined],
    ['99999999999999999999', undefined],
  ])('goes on only where it is a time: %j', async (value, expected) => {
    for (const isTranslated of [false, true]) {
      const answer = await askFor((write) => write(failed(value)), { isTranslated });
      expect([answer.status, messageOf(answer.body)]).toEqual([502, 'The upstream failed with status 503.']);
      expect(answer.headers['retry-after']).toBe(expected);
      await rig?.close();
      upstream?.close();
    }
  });
});
