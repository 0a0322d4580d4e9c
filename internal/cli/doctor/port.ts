import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import { createServer } from 'node:net';
import { bindAddresses, type BindAddress } from '../../http/bind.ts';
import { isRecord } from '../control.ts';
import type { PortState } from './report.ts';

const answerTimeoutMs = 1_000;

/** Where to ask a program that listens on every interface. */
const reachableAt: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

/** Tries to take the port and, where it is taken, asks who answers there. Port 0 is always free. */
export async function probePort(host: string, port: number, tls: boolean): Promise<PortState> {
  if (port === 0) return { kind: 'free' };
  for (const bind of bindAddresses(host)) {
    const code = await tryListen(bind, port);
    if (code === undefined || (bind.mayBeAbsent && (code === 'EADDRNOTAVAIL' || code === 'EAFNOSUPPORT'))) continue;
    if (code === 'EADDRINUSE') return askWho(reachableAt[bind.host] ?? bind.host, port, tls);
    return { kind: 'refused', reason: `${bind.host} port ${port}: ${code}` };
  }
  return { kind: 'free' };
}

function tryListen(bind: BindAddress, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    probe.listen({ host: bind.host, ipv6Only: bind.ipv6Only, port, exclusive: true }, () => probe.close(() => resolve(undefined)));
  });
}

/** `GET /` names a Keyward; the certificate is not looked at, since nothing is sent that needs protection. */
function askWho(host: string, port: number, tls: boolean): Promise<PortState> {
  return new Promise((resolve) => {
    const options = { host, port, path: '/', agent: false, timeout: answerTimeoutMs } as const;
    const onResponse = (res: IncomingMessage): void => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > 65_536) req.destroy();
      });
      res.on('error', () => resolve({ kind: 'other' }));
      res.on('close', () => resolve(recognize(text)));
    };
    const req = tls ? requestTls({ ...options, rejectUnauthorized: false }, onResponse) : requestPlain(options, onResponse);
    req.on('timeout', () => req.destroy(new Error('timeout')));
    req.on('error', () => resolve({ kind: 'other' }));
    req.end();
  });
}

function recognize(text: string): PortState {
  try {
    const body: unknown = JSON.parse(text);
    if (isRecord(body) && typeof body['name'] === 'string' && body['name'].toLowerCase() === 'keyward') {
      return { kind: 'keyward', version: typeof body['version'] === 'string' ? body['version'] : 'unknown' };
    }
  } catch {
    // Not JSON: some other program.
  }
  return { kind: 'other' };
}
