import type { Clock } from '../../clock/clock.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { parsePasted } from '../../upstreamauth/parse-return.ts';
import type { LoginStatus, StartedLogin } from '../../upstreamauth/ports.ts';
import { askDaemon, callDaemon, isRecord, type ControlFailure } from '../control.ts';
import { toDaemonRefusal, unexpectedAnswer } from './daemon-refusal.ts';
import type { LoginDriver, LoginRefusal, LoginWanted } from './login-driver.ts';

/** The daemon asks the vendor meanwhile, and gives that up sooner than this. */
const vendorTimeoutMs = 120_000;
const pollMs = 500;
/** Questions in a row that may stay without answer before the daemon counts as gone. */
const maxSilences = 5;

const base = '/v0/management';

/** Logs in through the running daemon, so that audit and state are its own. */
export function createDaemonLogin(socketPath: string, clock: Clock): LoginDriver {
  const refuse = (failure: ControlFailure): { readonly ok: false; readonly error: LoginRefusal } => err(toDaemonRefusal(failure, socketPath));
  return {
    place: 'the running daemon',
    start: async (wanted) => {
      const answer = await callDaemon(socketPath, startPath(wanted), { method: 'GET', timeoutMs: vendorTimeoutMs });
      if (!answer.ok) return refuse(answer.error);
      const started = decodeStarted(answer.value, wanted.provider, clock.nowMs());
      return started === undefined ? err(unexpectedAnswer(socketPath)) : ok(started);
    },
    finish: async (started, pasted) => {
      const parsed = parsePasted(pasted);
      if (!parsed.ok) return err({ code: parsed.error.code, message: parsed.error.message });
      const { code, state, error, errorDescription, iss } = parsed.value;
      const body = { provider: started.provider, code, state, error, error_description: errorDescription, iss };
      const answer = await callDaemon(socketPath, `${base}/oauth-callback`, { method: 'POST', body, timeoutMs: vendorTimeoutMs });
      return answer.ok ? ok(undefined) : refuse(answer.error);
    },
    wait: (state, signal) => waitForEnd(socketPath, clock, state, signal),
    cancel: async (state) => {
      const answer = await callDaemon(socketPath, `${base}/oauth-sessions?state=${encodeURIComponent(state)}`, { method: 'DELETE' });
      return answer.ok && isRecord(answer.value) && answer.value['cancelled'] === true;
    },
    close: () => Promise.resolve(),
  };
}

function startPath({ provider, isDevice, projectId }: LoginWanted): string {
  const query = new URLSearchParams({ ...(isDevice ? { flow: 'device' } : {}), ...(projectId === '' ? {} : { project_id: projectId }) }).toString();
  return `${base}/${encodeURIComponent(provider)}-auth-url${query === '' ? '' : `?${query}`}`;
}

async function waitForEnd(socketPath: string, clock: Clock, state: string, signal: AbortSignal): Promise<LoginStatus> {
  const path = `${base}/get-auth-status?state=${encodeURIComponent(state)}`;
  for (let silences = 0; ; ) {
    try {
      await clock.sleep(pollMs, signal);
    } catch {
      return { kind: 'waiting' };
    }
    const answer = await askDaemon(socketPath, path);
    const status = answer.ok ? decodeStatus(answer.value) : undefined;
    if (status !== undefined && status.kind !== 'waiting') return status;
    silences = status === undefined ? silences + 1 : 0;
    if (silences > maxSilences) return gone(answer, socketPath);
  }
}

function gone(answer: Result<unknown, ControlFailure>, socketPath: string): LoginStatus {
  if (answer.ok) return { kind: 'failed', ...unexpectedAnswer(socketPath) };
  if (answer.error.kind === 'not_running') return { kind: 'failed', code: 'not_running', message: 'The daemon was stopped while the login was under way, which forgets it. Start the login again.' };
  return { kind: 'failed', ...toDaemonRefusal(answer.error, socketPath) };
}

/** Undefined for an answer that is none. */
function decodeStatus(value: unknown): LoginStatus | undefined {
  if (!isRecord(value)) return undefined;
  switch (value['status']) {
    case 'wait':
      return { kind: 'waiting' };
    case 'ok':
      return { kind: 'done', fileName: textAt(value, 'name'), label: textAt(value, 'label'), isDisabled: value['disabled'] === true };
    case 'error':
      return { kind: 'failed', code: textAt(value, 'code'), message: textAt(value, 'error') };
    default:
      return undefined;
  }
}

function decodeStarted(value: unknown, provider: string, nowMs: number): StartedLogin | undefined {
  if (!isRecord(value)) return undefined;
  const [state, url, redirectUri, userCode] = [textAt(value, 'state'), textAt(value, 'url'), textAt(value, 'redirect_uri'), textAt(value, 'user_code')];
  if (state === '' || url === '') return undefined;
  const isDevice = value['flow'] === 'device';
  const expiresInS = typeof value['expires_in'] === 'number' ? value['expires_in'] : 600;
  const obstacle = textAt(value, 'obstacle');
  return {
    state,
    provider: textAt(value, 'provider') || provider,
    grant: isDevice ? 'device' : 'authorization-code',
    url,
    userCode: isDevice ? userCode : undefined,
    expiresAtMs: nowMs + expiresInS * 1_000,
    redirect: isDevice ? undefined : { uri: redirectUri, isListening: value['listening'] !== false, obstacle: obstacle === '' ? undefined : obstacle },
  };
}

function textAt(record: Readonly<Record<string, unknown>>, name: string): string {
  const value = record[name];
  return typeof value === 'string' ? value : '';
}
