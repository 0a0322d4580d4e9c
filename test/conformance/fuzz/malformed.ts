import { brotliCompressSync, gzipSync, zstdCompressSync } from 'node:zlib';
import type { Random } from './random.ts';

/** A request as it goes over the wire, most of them wrong in one way or several. */
export interface MalformedRequest {
  readonly method: string;
  readonly target: string;
  /** Name–value pairs; repeats allowed. */
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Buffer;
  readonly framing: 'length' | 'chunked';
}

export interface Secrets {
  readonly clientKey: string;
  readonly managementSecret: string;
}

const paths = [
  '/v1/chat/completions', '/v1/completions', '/v1/embeddings', '/v1/images/generations', '/v1/images/edits', '/v1/audio/speech', '/v1/audio/transcriptions', '/v1/responses', '/v1/responses/compact', '/v1/responses/resp_1',
  '/v1/messages', '/v1/messages/count_tokens', '/v1/models', '/v1/models/gpt-4o', '/v1/models/gemini-2.5-flash:generateContent', '/v1beta/models', '/v1beta/models/gemini-2.5-flash:generateContent', '/v1beta/models/gemini-2.5-flash:streamGenerateContent',
  '/v1beta/models/gemini-2.5-flash:countTokens', '/v1beta/models/gemini-2.5-flash:nonsense', '/', '/healthz', '/readyz', '/metrics', '/v0/management/config', '/v0/management/status', '/v0/management/usage', '/v0/management/logs', '/v0/management/audit', '/v0/management/explain',
  '/v0/management/request-error-logs/x', '/v0/management/request-log-by-id/x', '/v0/management/debug', '/v0/management/nothing', '/v1', '/v1beta', '/nowhere', '/favicon.ico',
] as const;
const methods = ['POST', 'GET', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD', 'TRACE', 'PROPFIND', 'QUERY', 'M-SEARCH'] as const;
const models = ['gpt-4o', 'claude-x', 'gemini-2.5-flash', 'plain', 'nobody', '', 'a/b', '../x', 'x'.repeat(5_000), '\u0000', '\ud800', '__proto__', 'constructor', 'gpt-4o\r\nX: y', '*', '%2e%2e'] as const;

const hex = (random: Random): string => random.int(256).toString(16).padStart(2, '0');

function brokenPath(random: Random, path: string): string {
  switch (random.int(16)) {
    case 0:
      return `${path}/`;
    case 1:
      return `/${path}`;
    case 2:
      return path.replace('/', '/./');
    case 3:
      return `${path}/../..${random.pick(paths)}`;
    case 4:
      return path.replace('m', '%6d');
    case 5:
      return `${path}%${hex(random)}%${hex(random)}`;
    case 6:
      return `${path}%`;
    case 7:
      return `http://evil.test${path}`;
    case 8:
      return `${path}?${'a=b&'.repeat(random.int(3_000))}`;
    case 9:
      return `${path}\\..\\x`;
    case 10:
      return path.toUpperCase();
    case 11:
      return `${path};x=y`;
    case 12:
      return `${path}#fragment`;
    case 13:
      return '*';
    case 14:
      return `${path}/${encodeURIComponent(random.text(20).replaceAll(/[\ud800-\udfff]/g, ''))}`;
    default:
      return `/${'x/'.repeat(random.int(2_000))}`;
  }
}

const queries = ['', '?', '?alt=sse', '?alt=json&alt=sse', '?key=', '?key=wrong', '?%00', '?key=%ff', '?limit=-1', '?limit=1e9', '?model=gpt-4o&key=x', '?from=x&to=y', '??', '?a[]=b&a[b]=c', '?__proto__=x', `?x=${'y'.repeat(4_000)}`, '?after=%F0%9F', '?offset=NaN'] as const;

function value(random: Random, depth: number): string {
  switch (random.int(depth > 4 ? 6 : 9)) {
    case 0:
      return String(random.int(1_000_000) - 500_000);
    case 1:
      return random.pick(['true', 'false', 'null', '1e400', '-0', '0.1e-5', '""'] as const);
    case 2:
    case 3:
      return JSON.stringify(random.text(30));
    case 4:
      return JSON.stringify(random.pick(models));
    case 5:
      return random.pick(['NaN', 'undefined', '01', '.5', "'x'", '"\\x"', '"\u0001"', '"\\ud800"'] as const);
    case 6:
    case 7:
      return `[${Array.from({ length: random.int(4) }, () => value(random, depth + 1)).join(',')}]`;
    default:
      return `{${Array.from({ length: random.int(4) }, () => `${JSON.stringify(random.text(8))}:${value(random, depth + 1)}`).join(',')}}`;
  }
}

const names = ['model', 'stream', 'store', 'previous_response_id', 'conversation', 'background', 'stream_options', 'messages', 'input', 'contents', 'value', 'mod\\u0065l', 'Model', '__proto__', 'x'] as const;

function jsonBody(random: Random): Buffer {
  const members = Array.from({ length: random.int(5) }, () => `"${random.pick(names)}":${value(random, 0)}`);
  const model = random.chance(0.7) ? [`"model":${JSON.stringify(random.chance(0.7) ? 'gpt-4o' : random.pick(models))}`] : [];
  const whole = `{${[...members, ...model].join(random.chance(0.95) ? ',' : ';')}}`;
  switch (random.int(10)) {
    case 0:
      return Buffer.from(whole.slice(0, random.int(whole.length)));
    case 1:
      return Buffer.concat([Buffer.from(whole), random.bytes(random.int(6))]);
    case 2:
      return Buffer.from('['.repeat(random.int(2_000)) + whole);
    case 3:
      return Buffer.from(whole, 'utf16le');
    case 4: {
      const bytes = Buffer.from(whole);
      for (let n = random.int(4); n >= 0; n--) bytes[random.int(bytes.length)] = random.int(256);
      return bytes;
    }
    case 5:
      return Buffer.from(`\uFEFF${whole}`);
    default:
      return Buffer.from(whole);
  }
}

function formBody(random: Random): Buffer {
  const end = random.pick(['\r\n', '\r\n', '\r\n', '\n', '\r', ''] as const);
  const parts = Array.from({ length: random.int(4) }, () => {
    const disposition = random.pick(['Content-Disposition: form-data; name="model"', 'Content-Disposition: form-data; name=model', 'content-disposition:form-data;name="file";filename="a"', 'Content-Disposition: form-data; name="a\\"b"', 'X: y', '', "Content-Disposition: form-data; name*=utf-8''model", `Content-Disposition: form-data; name="${'n'.repeat(random.int(20_000))}"`] as const);
    return Buffer.concat([Buffer.from(`--B${end}${disposition}\r\n\r\n`), random.chance(0.5) ? Buffer.from('gpt-4o') : random.bytes(random.int(300)), Buffer.from(end)]);
  });
  return Buffer.concat([...parts, Buffer.from(random.pick(['--B--\r\n', '--B--', '--B', '', '--B--junk'] as const))]);
}

function bodyOf(random: Random): { readonly body: Buffer; readonly contentType: string } {
  switch (random.int(8)) {
    case 0:
      return { body: Buffer.alloc(0), contentType: 'application/json' };
    case 1:
      return { body: random.bytes(random.int(400)), contentType: 'application/json' };
    case 2:
    case 3:
      return { body: formBody(random), contentType: random.pick(['multipart/form-data; boundary=B', 'multipart/form-data; boundary="B"', 'multipart/form-data', 'multipart/form-data; boundary=B; boundary=C', `multipart/form-data; boundary=${'b'.repeat(100)}`] as const) };
    default:
      return { body: jsonBody(random), contentType: random.pick(['application/json', 'application/json', 'application/json; charset=utf-8', 'application/vnd.api+json', 'text/plain', 'application/x-www-form-urlencoded', '', 'application/json, text/html'] as const) };
  }
}

const hostile = ['x-forwarded-for', 'forwarded', 'origin', 'sec-fetch-site', 'cookie', 'x-request-id', 'accept', 'accept-encoding', 'if-match', 'range', 'expect', 'te', 'upgrade', 'connection', 'anthropic-version', 'anthropic-beta', 'openai-beta', 'idempotency-key', 'x-goog-api-client', 'x-http-method-override', 'content-type', 'referer', 'access-control-request-method', 'x-y'] as const;
const hostileValues = ['', ' ', '\t', 'null', '127.0.0.1', 'for=1.2.3.4;by=[::1]:80', 'http://evil.test', 'close, x', 'keep-alive', 'h2c', 'trailers', '100-continue', '200-ok', 'bytes=0-', '*', '"x', 'a=b; c', 'é', '\u00ff\u0080', 'x'.repeat(2_000), '%00', '${jndi:x}', '../../etc', '{"a":1}', '1', '-1'] as const;

/** One request that Node's own client could send: wrong in what it says, not in how HTTP is written. */
export function malformedRequest(random: Random, secrets: Secrets): MalformedRequest {
  const path = random.pick(paths);
  const target = (random.chance(0.25) ? brokenPath(random, path) : path) + (random.chance(0.3) ? random.pick(queries) : '');
  const { body, contentType } = bodyOf(random);
  const headers: [string, string][] = [['host', random.chance(0.95) ? 'localhost' : random.pick(['evil.test', '', '[::1', 'a b', 'localhost:99999', '127.0.0.1@x'] as const)]];
  if (contentType !== '') headers.push(['content-type', contentType]);
  const isManagement = path.startsWith('/v0/management') || path === '/metrics';
  // Most come in: who may not is told so before anything is read. Wrong management keys are few, as each waits its turn.
  const credential = random.int(40);
  const hasSecret = isManagement && credential < 30;
  if (hasSecret) headers.push(['authorization', `Bearer ${secrets.managementSecret}`]);
  else if (!isManagement && credential < 30) headers.push([random.pick(['authorization', 'x-api-key', 'x-goog-api-key'] as const), secrets.clientKey]);
  else if (credential === 39) headers.push(['authorization', random.pick(['Bearer', 'Bearer ', 'Basic eDp5', 'DPoP x', 'Bearer x y', 'bearer\tx', `Bearer ${'k'.repeat(5_000)}`] as const)]);
  let sent = body;
  if (random.chance(0.15)) {
    const coding = random.pick(['gzip', 'br', 'zstd', 'identity', 'deflate', 'gzip, br', 'x', ''] as const);
    headers.push(['content-encoding', coding]);
    sent = coding === 'gzip' ? gzipSync(body) : coding === 'br' ? brotliCompressSync(body) : coding === 'zstd' ? zstdCompressSync(body) : body;
    if (random.chance(0.3)) sent = sent.subarray(0, random.int(sent.length + 1));
  }
  for (let n = random.int(4); n > 0; n--) headers.push([random.pick(hostile), random.pick(hostileValues)]);
  if (random.chance(0.03)) headers.push(['authorization', 'Bearer second']);
  if (random.chance(0.02)) headers.push(['host', 'second']);
  // A management secret with a good body could change the daemon; there only reading is tried.
  const method = hasSecret ? 'GET' : random.chance(0.75) ? 'POST' : random.pick(methods);
  return { method, target, headers, body: sent, framing: random.chance(0.3) ? 'chunked' : 'length' };
}

const lineEnds = ['\r\n', '\r\n', '\r\n', '\n', '\r', '\n\r'] as const;

/** The bytes of a request, well written. */
export function toBytes({ method, target, headers, body, framing }: MalformedRequest, random: Random): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('');
  const head = `${method} ${target} HTTP/1.1\r\n${lines}${framing === 'length' ? `content-length: ${body.length}` : 'transfer-encoding: chunked'}\r\n\r\n`;
  if (framing === 'length') return Buffer.concat([Buffer.from(head, 'latin1'), body]);
  const pieces: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const size = 1 + random.int(body.length - at);
    pieces.push(Buffer.from(`${size.toString(16)}${random.chance(0.1) ? ';ext=1' : ''}\r\n`), body.subarray(at, at + size), Buffer.from('\r\n'));
    at += size;
  }
  return Buffer.concat([Buffer.from(head, 'latin1'), ...pieces, Buffer.from('0\r\n\r\n')]);
}

/** The bytes of a request that no client library would write. */
export function toBrokenBytes(request: MalformedRequest, random: Random): Buffer {
  const good = toBytes(request, random);
  const text = good.toString('latin1');
  const broken = ((): string | Buffer => {
    switch (random.int(18)) {
      case 0:
        return good.subarray(0, random.int(good.length));
      case 1: {
        const bytes = Buffer.from(good);
        for (let n = random.int(8); n >= 0; n--) bytes[random.int(Math.min(bytes.length, 200))] = random.int(256);
        return bytes;
      }
      case 2:
        return text.replaceAll('\r\n', random.pick(lineEnds));
      case 3:
        return text.replace('HTTP/1.1', random.pick(['HTTP/1.0', 'HTTP/0.9', 'HTTP/2.0', 'HTTP/9.9', 'HTTP/1.1 x', 'http/1.1', 'ICY/1.0', ''] as const));
      case 4:
        return text.replace(/content-length: \d+/, `content-length: ${random.pick(['-1', '1e3', '0x10', '99999999999999999999', '5, 6', '+5', ' ', '007', String(request.body.length + 10), String(Math.max(0, request.body.length - 3))] as const)}`);
      case 5:
        return text.replace('\r\n\r\n', '\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n');
      case 6:
        return text.replace('transfer-encoding: chunked', `transfer-encoding: ${random.pick(['gzip, chunked', 'chunked, chunked', 'identity', 'xchunked', 'chunked\x0b', 'Chunked ', 'chunked;x'] as const)}`);
      case 7:
        return text.replace(/\r\n[0-9a-f]+\r\n/, `\r\n${random.pick(['fffffffffffffffff', 'g', '-1', '0x5', '', '5 ', '\t5'] as const)}\r\n`);
      case 8:
        return text.replace('\r\n', `\r\n${random.pick([' folded', '\tfolded', ': empty', 'no colon', 'na me: x', 'x\0y: z', 'x: \x01', 'ü: x', '@: x'] as const)}\r\n`);
      case 9:
        return text.replace('\r\n', `\r\nhost: other\r\n`);
      case 10:
        return text.replace('\r\n', `\r\n${Array.from({ length: 300 }, (_, n) => `x-${n}: y\r\n`).join('')}`);
      case 11:
        return text.replace('\r\n', `\r\nx-long: ${'a'.repeat(40_000)}\r\n`);
      case 12:
        return random.bytes(1 + random.int(2_000));
      case 13:
        return Buffer.concat([Buffer.from([0x16, 0x03, 0x01, 0x02, 0x00, 0x01]), random.bytes(512)]);
      case 14:
        return 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
      case 15:
        return `CONNECT ${random.pick(['evil.test:443', '169.254.169.254:80', '/', ''] as const)} HTTP/1.1\r\nhost: x\r\n\r\n`;
      case 16:
        return text.replace('\r\n', `\r\nconnection: upgrade\r\nupgrade: ${random.pick(['websocket', 'h2c', 'x'] as const)}\r\nsec-websocket-key: ${random.text(10).replaceAll(/[^\x20-\x7e]/g, '')}\r\nsec-websocket-version: ${random.int(20)}\r\n`);
      default:
        return `${'\r\n'.repeat(random.int(50))}${text}`;
    }
  })();
  return typeof broken === 'string' ? Buffer.from(broken, 'latin1') : broken;
}
