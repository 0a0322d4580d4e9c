import { request } from 'node:http';
import { join } from 'node:path';
import { err, ok, type Result } from '../fault/result.ts';

/** Why the daemon could not be asked. */
export type ControlFailure =
  | { readonly kind: 'not_running' }
  /** The socket is another user's. */
  | { readonly kind: 'not_allowed' }
  | { readonly kind: 'no_answer'; readonly detail: string }
  | { readonly kind: 'refused'; readonly status: number; readonly code: string; readonly message: string };

/** The daemon's answer fits a person's patience; most need no upstream call. */
const answerTimeoutMs = 5_000;
const answerLimitBytes = 16 * 1_024 * 1_024;

/** The running daemon's socket (clarification 11): its mode 0600 is the proof of who calls. */
export function controlSocketPath(dataDir: string): string {
  return join(dataDir, 'control.sock');
}

/** What to ask beside the path. */
export interface ControlCall {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Sent as JSON; absent for none. */
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly content?: { readonly type: string; readonly bytes: Uint8Array | string };
  readonly headers?: Readonly<Record<string, string>>;
  /** How long the daemon may be silent. Default 5 s; more where it asks a vendor first. */
  readonly timeoutMs?: number;
}

/** `GET path` over the control socket; the decoded JSON body of a 200. Never rejects. */
export function askDaemon(socketPath: string, path: string): Promise<Result<unknown, ControlFailure>> {
  return callDaemon(socketPath, path, { method: 'GET' });
}

/** One call over the control socket; the decoded JSON body of a 2xx. Never rejects, never tries twice. */
export function callDaemon(socketPath: string, path: string, call: ControlCall): Promise<Result<unknown, ControlFailure>> {
  const timeoutMs = call.timeoutMs ?? answerTimeoutMs;
  const content = call.body === undefined ? call.content : { type: 'application/json', bytes: JSON.stringify(call.body) };
  const headers = { host: 'localhost', accept: 'application/json', ...(content === undefined ? {} : { 'content-type': content.type, 'content-length': String(Buffer.byteLength(content.bytes)) }), ...call.headers };
  return new Promise((resolve) => {
    const failed = (error: NodeJS.ErrnoException): void => resolve(err(classifyFailure(error)));
    const req = request({ socketPath, path, method: call.method, headers, timeout: timeoutMs, agent: false });
    req.on('timeout', () => req.destroy(new Error(`no answer within ${timeoutMs / 1_000} s`)));
    req.on('error', failed);
    req.on('response', (res) => {
      let text = '';
      res.setEncoding('utf8');
      res.on('data', (chunk: string) => {
        text += chunk;
        if (text.length > answerLimitBytes) req.destroy(new Error('the answer is too large'));
      });
      res.on('error', failed);
      res.on('end', () => resolve(readAnswer(res.statusCode ?? 0, text)));
    });
    req.end(content?.bytes);
  });
}

/** One sentence and what to do. */
export function describeControlFailure(failure: ControlFailure, socketPath: string): string {
  switch (failure.kind) {
    case 'not_running':
      return `No daemon is running on ${socketPath}. Start one with \`keyward serve\`, or name its config with --config.`;
    case 'not_allowed':
      return `The daemon on ${socketPath} belongs to another user. Run this as that user.`;
    case 'no_answer':
      return `The daemon on ${socketPath} did not answer: ${failure.detail}.`;
    case 'refused':
      return `The daemon on ${socketPath} refused: ${failure.message} (HTTP ${failure.status}).`;
  }
}

function classifyFailure(error: NodeJS.ErrnoException): ControlFailure {
  if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') return { kind: 'not_running' };
  if (error.code === 'EACCES' || error.code === 'EPERM') return { kind: 'not_allowed' };
  return { kind: 'no_answer', detail: error.message };
}

function readAnswer(status: number, text: string): Result<unknown, ControlFailure> {
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    return err({ kind: 'no_answer', detail: `its answer (HTTP ${status}) is not JSON` });
  }
  if (status >= 200 && status < 300) return ok(body);
  const error: unknown = isRecord(body) ? body['error'] : undefined;
  // Routes that keep the Go program's envelope say what is wrong as a plain text.
  const { code, message } = isRecord(error) ? error : { code: '', message: error };
  return err({ kind: 'refused', status, code: typeof code === 'string' ? code : '', message: typeof message === 'string' ? message : 'it gave no reason' });
}

/** A JSON object. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
