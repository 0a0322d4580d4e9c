import { err, ok, type Result } from '../../fault/result.ts';
import { parseRecord, textOf } from '../../upstreamauth/json-record.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import { toDaemonRefusal, unexpectedAnswer } from '../accounts/daemon-refusal.ts';
import { readKey } from '../commands/token.ts';
import { askDaemon, callDaemon, isRecord } from '../control.ts';
import { findControlSocket } from '../data-dir.ts';
import type { CliProcess } from '../process-env.ts';
import { environmentToken } from './cached-token.ts';
import type { NamedContext } from './contexts.ts';
import { findContext, requireContext } from './edit-contexts.ts';
import { callRenewing, underLock, useLogin } from './login-use.ts';
import { defaultServer, parseServer } from './server-address.ts';
import { openServerHttp } from './server-http.ts';
import type { ToolAccess } from './tool-environment.ts';

export interface RunKey extends ToolAccess {
  /** RFC 3339; `''` where it is not told. */
  readonly expiresAt: string;
  /** For the person, from whoever made it. */
  readonly notes: readonly string[];
  /** Ends the key; undefined for one that was there before. The error is the rest of a sentence. Never rejects. */
  readonly revoke: (() => Promise<Result<undefined, string>>) | undefined;
}

export interface RunKeyWanted {
  readonly context: string | undefined;
  readonly server: string | undefined;
  readonly config: string | undefined;
  /** Of the key, for lists and the audit. */
  readonly name: string;
}

const revokeTimeoutMs = 5_000;

/**
 * A key for one run: KEYWARD_API_TOKEN as it is, else one minted by the login of the context, else, where nobody is logged
 * in, one minted by the daemon on this machine. Errors: those of the login and of the daemon, `not_logged_in`.
 */
export async function obtainRunKey(cli: CliProcess, wanted: RunKeyWanted): Promise<Result<RunKey, StoreRefusal>> {
  const given = environmentToken(cli);
  if (given !== undefined) return ofEnvironment(cli, wanted, given);
  const context = findContext(cli, wanted.context);
  if (!context.ok) return context;
  if (wanted.server !== undefined) return err({ code: 'invalid_request', message: '--server goes with KEYWARD_API_TOKEN; a login has its own server (--context chooses one).' });
  if (context.value === undefined || (context.value.credential === 'none' && wanted.context === undefined)) return byDaemon(cli, wanted);
  const ready = requireContext(cli, wanted.context);
  if (!ready.ok) return ready;
  if (ready.value.credential === 'login') return byLogin(cli, ready.value, wanted);
  const key = await readKey(cli, ready.value);
  return key.ok ? ok(lasting(ready.value.server, key.value)) : key;
}

function lasting(server: string, key: string): RunKey {
  return { server, key, expiresAt: '', notes: [], revoke: undefined };
}

async function ofEnvironment(cli: CliProcess, wanted: RunKeyWanted, key: string): Promise<Result<RunKey, StoreRefusal>> {
  if (wanted.server !== undefined) {
    const server = parseServer(wanted.server);
    return server.ok ? ok(lasting(server.value, key)) : server;
  }
  const context = findContext(cli, wanted.context);
  if (!context.ok) return context;
  if (context.value !== undefined) return ok(lasting(context.value.server, key));
  const daemon = await findDaemonUrl(cli, wanted.config);
  return ok(lasting(daemon.ok ? daemon.value.url : defaultServer, key));
}

async function byLogin(cli: CliProcess, context: NamedContext, { name }: RunKeyWanted): Promise<Result<RunKey, StoreRefusal>> {
  return useLogin(cli, context, async (use) => {
    const answer = await underLock(use, (renewing) => callRenewing(renewing, { method: 'POST', path: '/run-keys', body: { name } }));
    if (!answer.ok) return answer;
    const record = parseRecord(answer.value);
    const key = textOf(record, 'key');
    if (key === undefined) return err({ code: 'unexpected_answer', message: `${context.server} gave no key for the run; update the server, so that it is of the same version as this command.` });
    return ok({ server: context.server, key, expiresAt: textOf(record, 'expires_at') ?? '', notes: [], revoke: () => endRunKey(cli, context.server, key) });
  });
}

async function endRunKey(cli: CliProcess, server: string, key: string): Promise<Result<undefined, string>> {
  const { http, close } = openServerHttp(cli);
  try {
    const answer = await http.send({ url: `${server}/oauth/run-keys`, allowsPlainHttp: false, method: 'DELETE', headers: { authorization: `Bearer ${key}` }, body: undefined, proxyUrl: '', signal: undefined, timeoutMs: revokeTimeoutMs });
    if (answer.kind === 'failed') return err(`the server was not reached (${answer.code})`);
    // One that is no longer known has ended already.
    return answer.status < 300 || answer.status === 401 || answer.status === 404 ? ok(undefined) : err(`the server answered HTTP ${answer.status}`);
  } finally {
    await close();
  }
}

/** Nobody needs it longer; a longer run logs in. */
const daemonKeyLife = '24h';

async function byDaemon(cli: CliProcess, { config, name }: RunKeyWanted): Promise<Result<RunKey, StoreRefusal>> {
  const daemon = await findDaemonUrl(cli, config);
  if (!daemon.ok) {
    const isAbsent = daemon.error.code === 'not_running' || daemon.error.code === 'config_missing';
    return isAbsent ? err({ code: 'not_logged_in', message: 'You are not logged in, and no Keyward runs on this machine. Run `keyward login --server https://keyward.example.com`, set KEYWARD_API_TOKEN, or start a daemon with `keyward serve`.' }) : daemon;
  }
  const { socket, url } = daemon.value;
  const made = await callDaemon(socket, '/v0/management/client-keys', { method: 'POST', body: { name, scopes: ['models:use', 'models:read'], tags: ['run'], expires_in: daemonKeyLife } });
  if (!made.ok) return err(toDaemonRefusal(made.error, socket));
  const { id, key, expires_at: expiresAt, notes } = isRecord(made.value) ? made.value : {};
  if (typeof id !== 'string' || typeof key !== 'string') return err(unexpectedAnswer(socket));
  return ok({
    server: url,
    key,
    expiresAt: typeof expiresAt === 'string' ? expiresAt : '',
    notes: Array.isArray(notes) ? notes.filter((note) => typeof note === 'string') : [],
    revoke: async () => {
      const revoked = await callDaemon(socket, `/v0/management/client-keys/${encodeURIComponent(id)}/revoke`, { method: 'POST', body: {} });
      return revoked.ok ? ok(undefined) : err(toDaemonRefusal(revoked.error, socket).message);
    },
  });
}

/** The running daemon of a config and where programs reach it. Errors: `config_missing`, and those of the control socket. */
async function findDaemonUrl(cli: CliProcess, config: string | undefined): Promise<Result<{ readonly socket: string; readonly url: string }, StoreRefusal>> {
  const socket = findControlSocket(cli, config);
  if (!socket.ok) return err({ code: 'config_missing', message: socket.error });
  const status = await askDaemon(socket.value, '/v0/management/status');
  if (!status.ok) return err(toDaemonRefusal(status.error, socket.value));
  const binds = isRecord(status.value) && Array.isArray(status.value['binds']) ? status.value['binds'] : [];
  const url = URL.parse(String(binds.find((bind) => typeof bind === 'string' && /^https?:/.test(bind))));
  if (url === null) return err(unexpectedAnswer(socket.value));
  // Bound to every interface, it is reached by the loopback one.
  if (url.hostname === '0.0.0.0' || url.hostname === '[::]') url.hostname = '127.0.0.1';
  return ok({ socket: socket.value, url: url.origin });
}
