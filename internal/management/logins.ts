import type { Context } from 'hono';
import { AppError } from '../fault/app-error.ts';
import type { LoginGrant, LoginProfile } from '../providers/login-profile.ts';
import { sha256Hex } from '../secret/digest.ts';
import { parseMembers } from '../upstreamauth/parse-return.ts';
import type { LoginSession, LoginStatus, StartedLogin } from '../upstreamauth/ports.ts';
import { answerJson } from './answer.ts';
import { recordEvent } from './audit-trail.ts';
import { readJsonObject } from './body.ts';
import { isRoot, type ManagementCall, type ManagementDeps, type ManagementRoute } from './context.ts';
import type { JsonObject } from './values.ts';

/** Logins at vendors: starting, asking how they stand, finishing by pasting, cancelling. */
export function loginRoutes(deps: ManagementDeps): readonly ManagementRoute[] {
  const owners = createOwners();
  return [
    // Logins of the config come and go with reloads, so the name is looked up at each call.
    { method: 'GET', path: '/:provider(-auth-url)', scope: 'accounts:login', handle: (c, call) => startLogin(deps, owners, c, call) },
    { method: 'GET', path: '/get-auth-status', scope: 'accounts:login', handle: (c, call) => showStatus(deps, owners, c, call) },
    { method: 'POST', path: '/oauth-callback', scope: 'accounts:login', handle: (c, call) => finishLogin(deps, owners, c, call) },
    { method: 'GET', path: '/oauth-sessions', scope: 'accounts:login', handle: (c, call) => listSessions(deps, owners, c, call) },
    { method: 'DELETE', path: '/oauth-sessions', scope: 'accounts:login', handle: (c, call) => cancelLogin(deps, owners, c, call) },
  ];
}

/** Who started which login: another's is "not found" (contract §13). Root sees all. */
interface Owners {
  readonly claim: (state: string, call: ManagementCall, known: readonly LoginSession[]) => void;
  readonly owns: (state: string, call: ManagementCall) => boolean;
}

function createOwners(): Owners {
  const ownerOf = new Map<string, string>();
  return {
    claim: (state, call, known) => {
      const alive = new Set(known.map((session) => session.state));
      for (const old of ownerOf.keys()) if (!alive.has(old)) ownerOf.delete(old);
      ownerOf.set(state, call.principal.id);
    },
    owns: (state, call) => isRoot(call.principal) || ownerOf.get(state) === call.principal.id,
  };
}

async function startLogin(deps: ManagementDeps, owners: Owners, c: Context, call: ManagementCall): Promise<Response> {
  // A GET that starts something must not be started by a look.
  if (c.req.raw.method !== 'GET') throw new AppError('method_not_allowed', { headers: { allow: 'GET' } });
  const profile = deps.accounts.profiles().find(call.params['provider'] ?? '');
  if (profile === undefined) throw new AppError('login_not_offered', { message: `There is no login of this name; there are ${deps.accounts.profiles().all.filter(isInteractive).map(({ name }) => name).join(', ')}.` });
  if (!isInteractive(profile)) throw new AppError('login_not_offered', { message: profile.grants[0] === 'service-account' ? 'A service account needs no login: upload its key file to /vertex/import.' : `${profile.name} gets its tokens by client credentials and needs no login.` });
  const grant = readGrant(c, profile);
  const projectId = c.req.query('project_id')?.trim() ?? '';
  if (!/^[\w.:-]{0,128}$/.test(projectId)) throw invalid('project_id', 'project_id is no project id.');
  const started = await deps.accounts.vendorLogins.start(profile.name, { ...(grant === undefined ? {} : { grant }), ...(projectId === '' ? {} : { projectId }) });
  owners.claim(started.state, call, deps.accounts.vendorLogins.sessions());
  recordEvent(deps, call, { action: 'login.started', target: profile.name, after: { grant: started.grant } });
  void deps.accounts.vendorLogins.wait(started.state).then((status) => recordEnd(deps, call, profile.name, status));
  return answerJson(describeStarted(deps, started));
}

/** However a login ended – by redirect, pasted, by device – it is counted and put on record once, without code or state. */
function recordEnd(deps: ManagementDeps, call: ManagementCall, provider: string, status: LoginStatus): void {
  if (status.kind === 'waiting') return;
  const isCancelled = status.kind === 'failed' && status.code === 'login_cancelled';
  deps.metrics.loginEnded(provider, isCancelled ? 'cancelled' : status.kind);
  // Whoever cancelled it is on record.
  if (isCancelled) return;
  recordEvent(deps, call, status.kind === 'done' ? { action: 'login.finished', target: provider, after: { file: status.fileName, disabled: status.isDisabled } } : { action: 'login.failed', target: provider, code: status.code });
}

function isInteractive({ grants }: LoginProfile): boolean {
  return grants.some((grant) => grant !== 'service-account' && grant !== 'client-credentials');
}

function isDevice(grant: LoginGrant): boolean {
  return grant === 'device' || grant === 'codex-device';
}

/** `?flow=device` or `?flow=code`; absent is the login's own. `is_webui` of the Go program is taken and changes nothing. */
function readGrant(c: Context, profile: LoginProfile): LoginGrant | undefined {
  const flow = c.req.query('flow');
  if (flow === undefined || flow === '') return undefined;
  const grant = flow === 'device' ? profile.grants.find(isDevice) : flow === 'code' ? profile.grants.find((offered) => offered === 'authorization-code') : undefined;
  if (grant === undefined) throw invalid('flow', flow === 'device' || flow === 'code' ? `${profile.name} offers no ${flow} flow.` : 'flow must be code or device.');
  return grant;
}

function describeStarted(deps: ManagementDeps, started: StartedLogin): JsonObject {
  const { redirect, userCode } = started;
  return {
    status: 'ok',
    url: started.url,
    state: started.state,
    provider: started.provider,
    flow: isDevice(started.grant) ? 'device' : 'code',
    expires_in: Math.max(0, Math.round((started.expiresAtMs - deps.clock.nowMs()) / 1_000)),
    ...(isDevice(started.grant) ? { user_code: userCode ?? '', verification_uri: started.url } : {}),
    ...(redirect === undefined ? {} : { redirect_uri: redirect.uri, listening: redirect.isListening, ...(redirect.obstacle === undefined ? {} : { obstacle: redirect.obstacle }) }),
  };
}

const statePattern = /^[\w.-]{1,128}$/;

/** In the Go program's words, which panels poll for: `wait`, `ok` or `error`. */
function showStatus(deps: ManagementDeps, owners: Owners, c: Context, call: ManagementCall): Response {
  const state = c.req.query('state') ?? '';
  if (state === '') return answerJson({ status: 'ok' });
  if (!statePattern.test(state)) return answerJson({ status: 'error', error: 'invalid state', code: 'login_state_unknown' }, {}, 400);
  const status = owners.owns(state, call) ? deps.accounts.vendorLogins.statusOf(state) : undefined;
  switch (status?.kind) {
    case undefined:
      return answerJson({ status: 'error', error: 'unknown or expired state', code: 'login_state_unknown' });
    case 'waiting':
      return answerJson({ status: 'wait' });
    case 'failed':
      return answerJson({ status: 'error', error: status.message, code: status.code });
    case 'done':
      return answerJson({ status: 'ok', ...describeDone(status) });
  }
}

function describeDone(done: Extract<LoginStatus, { readonly kind: 'done' }>): JsonObject {
  return { name: done.fileName, label: done.label, disabled: done.isDisabled };
}

/** What the browser was sent to, pasted: the whole URL, or its parts. Resolves when tokens are durable. */
async function finishLogin(deps: ManagementDeps, owners: Owners, c: Context, call: ManagementCall): Promise<Response> {
  const { provider, ...members } = await readJsonObject(c.req.raw, ['provider', 'redirect_url', 'code', 'state', 'error', 'error_description', 'iss']);
  if (provider !== undefined && typeof provider !== 'string') throw invalid('provider', 'provider must be text.');
  const returned = parseMembers(members);
  if (!returned.ok) throw returned.error;
  const { state } = returned.value;
  if (!owners.owns(state, call)) throw new AppError('login_state_unknown');
  const name = provider === undefined || provider === '' ? deps.accounts.vendorLogins.sessions().find((session) => session.state === state)?.provider : deps.accounts.profiles().find(provider)?.name;
  if (name === undefined) throw provider === undefined || provider === '' ? new AppError('login_state_unknown') : invalid('provider', 'unsupported provider.');
  const done = await deps.accounts.vendorLogins.finish(name, returned.value);
  return answerJson({ status: 'ok', ...describeDone(done) });
}

/** States are the proof of a login, so the list names sessions by a digest of theirs. */
function listSessions(deps: ManagementDeps, owners: Owners, c: Context, call: ManagementCall): Response {
  const state = c.req.query('state');
  const sessions = deps.accounts.vendorLogins.sessions().filter((session) => owners.owns(session.state, call) && (state === undefined || session.state === state));
  return answerJson({ sessions: sessions.map(describeSession) });
}

function describeSession(session: LoginSession): JsonObject {
  const { status } = session;
  return {
    id: sessionId(session.state),
    provider: session.provider,
    flow: isDevice(session.grant) ? 'device' : 'code',
    started_at: new Date(session.startedAtMs).toISOString(),
    expires_at: new Date(session.expiresAtMs).toISOString(),
    status: status.kind === 'waiting' ? 'wait' : status.kind === 'done' ? 'ok' : 'error',
    ...(status.kind === 'done' ? describeDone(status) : status.kind === 'failed' ? { error: status.message, code: status.code } : {}),
  };
}

function sessionId(state: string): string {
  return sha256Hex(`login session ${state}`).slice(0, 16);
}

/** By `?state=`, or by the `id` of the list. */
function cancelLogin(deps: ManagementDeps, owners: Owners, c: Context, call: ManagementCall): Response {
  const state = c.req.query('state');
  const id = c.req.query('id');
  if ((state === undefined) === (id === undefined)) throw invalid('state', 'state is required, or the id of a session.');
  const session = deps.accounts.vendorLogins.sessions().find((known) => known.state === state || sessionId(known.state) === id);
  const isCancelled = session !== undefined && owners.owns(session.state, call) && deps.accounts.vendorLogins.cancel(session.state);
  if (isCancelled) recordEvent(deps, call, { action: 'login.cancelled', target: session.provider });
  return answerJson({ status: 'ok', cancelled: isCancelled });
}

function invalid(param: string, message: string): AppError {
  return new AppError('invalid_request', { message, fields: { param } });
}
