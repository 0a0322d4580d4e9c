import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, STATUS_CODES, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { createSecureContext } from 'node:tls';
import { AppError } from '../fault/app-error.ts';
import { renderFault } from '../http/fault-wire.ts';
import { chooseRequestId } from '../http/request-id.ts';
import { endAndLinger, lingerOnClose } from './linger.ts';

/** Which door a connection came in by. */
export type ListenerKind = 'main' | 'management' | 'control';

export interface Handlers {
  readonly onRequest: (req: IncomingMessage, res: ServerResponse, kind: ListenerKind) => void;
  readonly onUpgrade: (req: IncomingMessage, socket: Duplex, head: Buffer, kind: ListenerKind) => void;
}

export interface TlsFiles {
  readonly certPath: string;
  readonly keyPath: string;
}

export type Endpoint =
  | { readonly kind: 'main' | 'management'; readonly host: string; readonly port: number; readonly tls: TlsFiles | undefined }
  /** Mode 0600 in a folder of mode 0700. */
  | { readonly kind: 'management' | 'control'; readonly socketPath: string };

/** A listening server. */
export interface Listener {
  readonly kind: ListenerKind;
  /** `http://127.0.0.1:8317`, or the path of a Unix socket. */
  readonly url: string;
  readonly port: number | undefined;
  /** Takes certificate and key from their files again; throws when they do not fit, and the old ones stay. */
  readonly reloadTls: () => void;
  /** Stops accepting; resolves when the last connection has ended. Idle ones are closed at once. */
  readonly close: () => Promise<void>;
  /** Closes what is still open. */
  readonly destroy: () => void;
}

/**
 * Bounds before any of our code runs: 32 kB of headers, 15 s for them, 5 min for a whole request (slow-loris), 65 s of
 * idle keep-alive (longer than the 60 s after which common balancers give up, so that they close first).
 */
const serverOptions: ServerOptions = {
  maxHeaderSize: 32 * 1024,
  headersTimeout: 15_000,
  requestTimeout: 300_000,
  keepAliveTimeout: 65_000,
  connectionsCheckingInterval: 5_000,
  // Checked by our own parse, which answers in the caller's dialect.
  requireHostHeader: false,
  // An offer of another protocol may be ignored (RFC 9110 §7.8): `Upgrade: h2c`, which some clients send with their first
  // request, is answered over HTTP/1.1.
  shouldUpgradeCallback: (req: IncomingMessage) => /(?:^|,)\s*websocket\s*(?:,|$)/i.test(req.headers.upgrade ?? ''),
  noDelay: true,
};

/** How long a client may take no byte of an answer that waits for it. */
const clientStallMs = 300_000;

export type ListenTimes = Pick<ServerOptions, 'headersTimeout' | 'requestTimeout' | 'keepAliveTimeout' | 'connectionsCheckingInterval'>;

/** Opens one endpoint. `stallMs` and `times` are for tests. Error: a sentence that says what to do, for ports in use, missing rights, unreadable certificates. */
export async function listen(endpoint: Endpoint, handlers: Handlers, stallMs: number = clientStallMs, times: ListenTimes = {}): Promise<Listener> {
  const options = { ...serverOptions, ...times };
  const isSocket = 'socketPath' in endpoint;
  const tls = isSocket ? undefined : endpoint.tls;
  const server = tls === undefined ? createServer(options) : createTlsServer({ ...options, ...readTls(tls), minVersion: 'TLSv1.2' });
  server.maxHeadersCount = 200;
  server.setTimeout(stallMs, (socket: Socket) => {
    // Silent because we are: an upstream may think for long. Silent while bytes wait: the client has stopped reading, and
    // an exchange, a socket and an upstream connection hang on it. Silent without an exchange: keep-alive is over.
    if (socket.writableLength > 0 || !isAnswering(socket)) socket.destroy();
  });
  let isClosing = false;
  // Node counts a connection as busy until its first request, so that one opened in advance (browsers do) would hold a stop up.
  const unused = new Set<Socket>();
  server.on(tls === undefined ? 'connection' : 'secureConnection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  server.on('request', (req: IncomingMessage, res: ServerResponse) => {
    unused.delete(req.socket);
    // While draining, each connection is good for the answer under way and no more.
    if (isClosing) res.shouldKeepAlive = false;
    handlers.onRequest(req, res, endpoint.kind);
  });
  server.on('upgrade', (req: IncomingMessage, socket: Duplex, head: Buffer) => handlers.onUpgrade(req, socket, head, endpoint.kind));
  // Who may come in is decided before the body is asked for (security rule 13); the front writes the 100 then.
  server.on('checkContinue', (req: IncomingMessage, res: ServerResponse) => handlers.onRequest(req, res, endpoint.kind));
  server.on(tls === undefined ? 'connection' : 'secureConnection', lingerOnClose);
  server.on('clientError', answerUnparsable);
  if (isSocket) {
    prepareSocketFolder(endpoint.socketPath);
    await removeStaleSocket(endpoint.socketPath);
  }
  await bind(server, endpoint);
  if (isSocket) chmodSync(endpoint.socketPath, 0o600);

  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : undefined;
  return {
    kind: endpoint.kind,
    url: isSocket ? endpoint.socketPath : urlOf(tls === undefined ? 'http' : 'https', address),
    port,
    reloadTls: () => {
      if (tls !== undefined && 'setSecureContext' in server) server.setSecureContext(readTls(tls));
    },
    close: () =>
      new Promise((resolve) => {
        isClosing = true;
        // Kept-alive connections become idle one by one, as their exchanges end.
        const sweep = setInterval(() => server.closeIdleConnections(), 50);
        server.close(() => {
          clearInterval(sweep);
          resolve();
        });
        server.closeIdleConnections();
        for (const socket of unused) if (socket.bytesRead === 0) socket.destroy();
      }),
    destroy: () => server.closeAllConnections(),
  };
}

/** Node's server keeps the answer under way on its socket. */
function isAnswering(socket: Socket): boolean {
  const answer: unknown = Reflect.get(socket, '_httpMessage');
  return typeof answer === 'object' && answer !== null;
}

function readTls(tls: TlsFiles): { readonly cert: Buffer; readonly key: Buffer } {
  const read = (path: string, what: string): Buffer => {
    try {
      return readFileSync(path);
    } catch (cause) {
      throw new Error(`the TLS ${what} ${path} cannot be read (${codeOf(cause)}): check the path and that this user may read it`, { cause });
    }
  };
  const pair = { cert: read(tls.certPath, 'certificate'), key: read(tls.keyPath, 'key') };
  try {
    createSecureContext(pair);
  } catch (cause) {
    throw new Error(`the TLS certificate ${tls.certPath} and key ${tls.keyPath} cannot be used (${codeOf(cause)}): both must be PEM and belong together`, { cause });
  }
  return pair;
}

function bind(server: Server, endpoint: Endpoint): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => reject(new Error(bindSentence(endpoint, codeOf(cause)), { cause })));
    if ('socketPath' in endpoint) server.listen(endpoint.socketPath, resolve);
    else server.listen({ host: endpoint.host, port: endpoint.port, backlog: 1_024, ...(endpoint.host.includes(':') ? { ipv6Only: true } : {}) }, resolve);
  });
}

function bindSentence(endpoint: Endpoint, code: string): string {
  if ('socketPath' in endpoint) return `the socket ${endpoint.socketPath} cannot be opened (${code})`;
  const place = `${endpoint.host}:${endpoint.port}`;
  switch (code) {
    case 'EADDRINUSE':
      return `${place} is in use: stop the other program (\`keyward doctor\` says whether it is a Keyward) or choose another port with --port`;
    case 'EACCES':
      return `${place} may not be opened by this user: choose a port above 1023 with --port`;
    case 'EADDRNOTAVAIL':
      return `${place} is no address of this machine: correct \`host\``;
    default:
      return `${place} cannot be opened (${code})`;
  }
}

/** The folder is made where it is missing; one that others may enter would let them in (security rule 22). */
function prepareSocketFolder(path: string): void {
  const folder = dirname(path);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  if ((statSync(folder).mode & 0o077) !== 0) throw new Error(`the folder ${folder} of the socket is open to other users: give the socket a folder of its own with mode 0700`);
}

/** A socket file that nobody answers on is left over from a crash (security rule 22). */
async function removeStaleSocket(path: string): Promise<void> {
  if (!existsSync(path)) return;
  if (!lstatSync(path).isSocket()) throw new Error(`${path} exists and is no socket: choose a path where nothing else is kept`);
  const isAlive = await new Promise<boolean>((resolve) => {
    const probe = connect(path);
    probe.once('connect', () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', () => resolve(false));
  });
  if (isAlive) throw new Error(`another Keyward uses ${path}: stop it, or give this one its own data-dir`);
  rmSync(path, { force: true });
}

function urlOf(scheme: string, address: AddressInfo | string | null): string {
  if (typeof address !== 'object' || address === null) return '';
  const host = address.family === 'IPv6' ? `[${address.address}]` : address.address;
  return `${scheme}://${host}:${address.port}`;
}

function codeOf(cause: unknown): string {
  const code: unknown = cause instanceof Error ? Reflect.get(cause, 'code') : undefined;
  return typeof code === 'string' ? code : 'unknown error';
}

/** What Node's parser refuses before there is a request: answered as far as that is possible, then closed. */
function answerUnparsable(cause: Error, socket: Duplex): void {
  if (socket.destroyed || !socket.writable) return;
  const code = codeOf(cause);
  // An answer that has begun must not be followed by a second one in its middle.
  const answer: unknown = Reflect.get(socket, '_httpMessage');
  const hasAnswerBegun = typeof answer === 'object' && answer !== null && Reflect.get(answer, 'headersSent') === true;
  if (code === 'ECONNRESET' || hasAnswerBegun) {
    socket.destroy();
    return;
  }
  const error =
    code === 'HPE_HEADER_OVERFLOW'
      ? new AppError('headers_too_large')
      : code === 'ERR_HTTP_REQUEST_TIMEOUT'
        ? new AppError('request_timeout')
        : new AppError('invalid_request', { message: 'The request is not valid HTTP.' });
  const wire = renderFault(error, 'openai-chat', chooseRequestId(undefined));
  const headers = Object.entries({ ...wire.headers, 'content-length': String(Buffer.byteLength(wire.body)), connection: 'close' }).map(([name, value]) => `${name}: ${value}\r\n`);
  endAndLinger(socket, `HTTP/1.1 ${wire.status} ${STATUS_CODES[wire.status] ?? 'Bad Request'}\r\n${headers.join('')}\r\n${wire.body}`);
}
