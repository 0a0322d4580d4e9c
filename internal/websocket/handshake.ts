import type { IncomingMessage } from 'node:http';
import type { WebSocket, WebSocketServer } from 'ws';
import { AppError } from '../fault/app-error.ts';
import { selectSubprotocol } from '../http/carriers.ts';
import type { SocketOpening } from './opening.ts';

/** Completes the upgrade; undefined when the client is gone meanwhile. Error: `invalid_request`, for a request that is no proper handshake. */
export type Handshake = (opening: SocketOpening, maxPayloadBytes: number) => Promise<WebSocket | undefined>;

/** Emitted by an accepted socket as soon as either side begins to close it, before the peer has let go. */
export const closing = 'keyward-closing';

/** How long a peer may take to answer a closing frame. */
const closeTimeoutMs = 2_000;

/** The library is loaded at the first upgrade: a daemon that serves none does without its memory. */
export function createHandshake(): Handshake {
  let loaded: Promise<(maxPayload: number) => WebSocketServer> | undefined;
  let last: { readonly maxPayload: number; readonly server: WebSocketServer } | undefined;

  return async ({ id, req, socket, head }, maxPayload) => {
    const open = await (loaded ??= loadServer());
    const { server } = (last = last?.maxPayload === maxPayload ? last : { maxPayload, server: open(maxPayload) });
    const { 'x-codex-turn-state': turnState } = req.headers;
    // Of several protocols that were offered this is the one that was chosen; the library wants it alone.
    req.headers.upgrade = 'websocket';
    let accepted: WebSocket | undefined;
    let fault: Error | undefined;
    // All of this is synchronous, so that the handlers are about this request alone.
    server.once('headers', (headers) => void headers.push(`x-request-id: ${id}`, ...(typeof turnState === 'string' ? [`x-codex-turn-state: ${turnState}`] : [])));
    server.once('wsClientError', (thrown) => {
      fault = thrown;
    });
    server.handleUpgrade(req, socket, head, (taken) => {
      accepted = taken;
    });
    server.removeAllListeners('headers');
    server.removeAllListeners('wsClientError');
    if (fault !== undefined) throw new AppError('invalid_request', { message: `This is no WebSocket handshake that can be answered: ${fault.message}.`, headers: { 'sec-websocket-version': '13' } });
    return accepted;
  };
}

async function loadServer(): Promise<(maxPayload: number) => WebSocketServer> {
  const { WebSocket: Base, WebSocketServer: Server } = await import('ws');
  class NoticingSocket extends Base {
    override close(code?: number, reason?: string | Buffer): void {
      this.emit(closing);
      super.close(code, reason);
    }
  }
  const options = { noServer: true, clientTracking: false, perMessageDeflate: false, closeTimeout: closeTimeoutMs, WebSocket: NoticingSocket, handleProtocols: (_offered: ReadonlySet<string>, { headers }: IncomingMessage) => selectSubprotocol(headers) ?? false };
  return (maxPayload) => new Server({ ...options, maxPayload });
}
