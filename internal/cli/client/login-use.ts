import type { Result } from '../../fault/result.ts';
import { err, ok } from '../../fault/result.ts';
import { systemClock } from '../../clock/clock.ts';
import type { OAuthHttp } from '../../upstreamauth/oauth-http.ts';
import type { StoreRefusal } from '../accounts/account-store.ts';
import type { CliProcess } from '../process-env.ts';
import { isFresh } from './bearer.ts';
import type { NamedContext } from './contexts.ts';
import { holdSignals } from './hold-signals.ts';
import { describeFailure, describeUnreachable, openServer, proofBy } from './oauth-server.ts';
import { readSession, refreshSession, type Renewing } from './refresh.ts';
import { openServerHttp, type ServerFailure } from './server-http.ts';
import { lockContext } from './session-lock.ts';
import type { Session } from './session.ts';
import { openVault, type Vault } from './vault.ts';

/** One command's use of a stored login. */
export interface LoginUse {
  readonly cli: CliProcess;
  readonly context: NamedContext;
  readonly vault: Vault;
  readonly http: OAuthHttp;
}

/** Opens the store and the way to the server for the time of `work`. Errors: `keychain_unavailable`, and those of `work`. */
export async function useLogin<T>(cli: CliProcess, context: NamedContext, work: (use: LoginUse) => Promise<Result<T, StoreRefusal>>): Promise<Result<T, StoreRefusal>> {
  const vault = await openVault(cli, context.store);
  if (!vault.ok) return vault;
  const { http, close } = openServerHttp(cli);
  try {
    return await work({ cli, context, vault: vault.value, http });
  } finally {
    await close();
  }
}

/** Holds the context's lock, and lets no signal tear `work` apart. Errors: `busy`, `storage_unwritable`, and those of `work`. */
export async function underLock<T>(use: LoginUse, work: (renewing: Renewing) => Promise<Result<T, StoreRefusal>>): Promise<Result<T, StoreRefusal>> {
  const lock = await lockContext(use.cli, use.context.name);
  if (!lock.ok) return lock;
  try {
    return await holdSignals(use.cli, () => work({ ...use, isHeld: lock.value.isHeld }));
  } finally {
    lock.value.release();
  }
}

/** A session whose access token is good for a while. Errors: as `refreshSession` and `underLock`. */
export async function freshSession(use: LoginUse): Promise<Result<Session, StoreRefusal>> {
  const stored = await readSession(use.vault, use.context);
  if (!stored.ok || isGoodNow(stored.value)) return stored;
  return underLock(use, (renewing) => refreshSession(renewing, isGoodNow));
}

export function isGoodNow(session: Session): boolean {
  return isFresh(session, systemClock.nowMs());
}

export interface SessionCall {
  readonly method: 'POST' | 'DELETE';
  /** Below the issuer, such as `/bearer-token`. */
  readonly path: string;
  /** Sent as JSON. */
  readonly body?: unknown;
}

/** One call at the server by a session's access token, with proof of its key (RFC 9449 §7). The body of a 2xx. Never rejects. */
export async function callWithSession({ http }: Pick<LoginUse, 'http'>, session: Session, call: SessionCall): Promise<Result<string, ServerFailure>> {
  const server = await openServer(session, { http });
  const { openid, configuration } = server;
  try {
    const url = new URL(`${session.issuer}${call.path}`);
    const headers = new Headers({ accept: 'application/json', ...(call.body === undefined ? {} : { 'content-type': 'application/json' }) });
    const answer = await openid.fetchProtectedResource(configuration, session.accessToken, url, call.method, call.body === undefined ? null : JSON.stringify(call.body), headers, { DPoP: await proofBy(server, session.dpopKey) });
    return answer.ok ? ok(await answer.text()) : err(server.failure(undefined));
  } catch (thrown) {
    return err(server.failure(thrown));
  }
}

/** `callWithSession`, and once more by a new access token where the server no longer takes the first. Errors: as `refreshSession`, and `server_refused`. */
export async function callRenewing(renewing: Renewing, call: SessionCall): Promise<Result<string, StoreRefusal>> {
  const first = await refreshSession(renewing, isGoodNow);
  if (!first.ok) return first;
  const answer = await callWithSession(renewing, first.value, call);
  if (answer.ok) return answer;
  if (answer.error.kind !== 'refused' || answer.error.status !== 401) return err(describeCallFailure(renewing.context, call, answer.error));
  const second = await refreshSession(renewing, (session) => session.accessToken !== first.value.accessToken);
  if (!second.ok) return second;
  const again = await callWithSession(renewing, second.value, call);
  return again.ok ? again : err(describeCallFailure(renewing.context, call, again.error));
}

function describeCallFailure({ name, server }: NamedContext, { path }: SessionCall, failure: ServerFailure): StoreRefusal {
  if (failure.kind === 'unreachable') return describeUnreachable(server, failure.detail);
  if (failure.kind === 'refused' && failure.status === 404) return { code: 'server_refused', message: `${server} does not offer /oauth${path}; update the server, or switch \`identity\` on in its config.` };
  if (failure.kind === 'refused' && failure.status === 403) return { code: 'server_refused', message: `${server} refused: ${describeFailure(failure)}. This login may not do it; ask whoever runs the server, or log in with other scopes (\`keyward login --context ${name} --scope …\`).` };
  if (failure.kind === 'refused' && failure.status === 401) return { code: 'not_logged_in', message: `${server} no longer takes this login: ${describeFailure(failure)}. Run \`keyward login --context ${name}\`.` };
  return { code: 'server_refused', message: `${server} refused: ${describeFailure(failure)}.` };
}
