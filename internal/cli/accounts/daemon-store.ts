import { err, ok } from '../../fault/result.ts';
import { callDaemon, isRecord, type ControlCall } from '../control.ts';
import type { AccountStore, ListedAccount, Revocation, StoreRefusal } from './account-store.ts';
import { toDaemonRefusal, unexpectedAnswer } from './daemon-refusal.ts';

/** The daemon asks the vendor meanwhile, and gives that up sooner than this. */
const vendorTimeoutMs = 120_000;
const base = '/v0/management';

/** The accounts of the running daemon, with the states it knows. */
export function createDaemonStore(socketPath: string): AccountStore {
  const call = async (path: string, what: ControlCall) => {
    const answer = await callDaemon(socketPath, `${base}${path}`, what);
    if (!answer.ok) return err(toDaemonRefusal(answer.error, socketPath));
    return isRecord(answer.value) ? ok(answer.value) : err(unexpectedAnswer(socketPath));
  };
  return {
    list: async () => {
      const answer = await call('/auth-files', { method: 'GET' });
      if (!answer.ok) return answer;
      const files = answer.value['files'];
      return Array.isArray(files) ? ok(files.filter(isRecord).map(decodeEntry)) : err(unexpectedAnswer(socketPath));
    },
    remove: async (file, { isKeptAtVendor }) => {
      const query = new URLSearchParams({ name: file, ...(isKeptAtVendor ? {} : { revoke: 'true' }) });
      const answer = await call(`/auth-files?${query.toString()}`, { method: 'DELETE', timeoutMs: vendorTimeoutMs });
      if (!answer.ok) return answer.error.code === 'conflict' ? err({ code: 'conflict', message: `${answer.error.message} --keep-at-vendor leaves it out.` }) : answer;
      return ok(isKeptAtVendor ? { kind: 'kept' } : decodeRevocation(answer.value['revocations']));
    },
    setDisabled: async (file, isDisabled) => {
      const answer = await call('/auth-files/status', { method: 'PATCH', body: { name: file, disabled: isDisabled } });
      return answer.ok ? ok(undefined) : answer;
    },
    importFile: async (name, text, { mayReplace }) => {
      const answer = await call(`/auth-files?name=${encodeURIComponent(name)}`, { method: 'POST', content: { type: 'application/json', bytes: text }, headers: mayReplace ? {} : { 'if-none-match': '*' } });
      if (answer.ok) return ok({ file: textAt(answer.value, 'name') || name, account: '' });
      return err(answer.error.code === 'precondition_failed' ? alreadyThere(name) : answer.error);
    },
    importVertex: async (text, { location, prefix }) => {
      const query = new URLSearchParams({ ...(location === '' ? {} : { location }), ...(prefix === '' ? {} : { prefix }) });
      const answer = await call(`/vertex/import?${query.toString()}`, { method: 'POST', content: { type: 'application/json', bytes: text } });
      return answer.ok ? ok({ file: textAt(answer.value, 'name'), account: textAt(answer.value, 'email') }) : answer;
    },
    close: () => Promise.resolve(),
  };
}

/** Said by both stores alike. */
export function alreadyThere(name: string): StoreRefusal {
  return { code: 'precondition_failed', message: `There is a file ${name} already; --replace puts this one in its place.` };
}

/** One entry of `GET /auth-files`. */
function decodeEntry(entry: Readonly<Record<string, unknown>>): ListedAccount {
  const problem = isRecord(entry['problem']) ? textAt(entry['problem'], 'message') : '';
  const message = textAt(entry, 'status_message') || problem;
  const isSaid = isRecord(entry['problem']) && entry['problem']['code'] === 'duplicate_of' && message === problem;
  const copyOf = isSaid ? '' : textAt(entry, 'duplicate_of');
  return {
    file: textAt(entry, 'name'),
    provider: textAt(entry, 'provider'),
    account: textAt(entry, 'account') || textAt(entry, 'label'),
    state: stateNames[textAt(entry, 'status')] ?? textAt(entry, 'status'),
    expires: textAt(entry, 'expires_at'),
    lastRefresh: textAt(entry, 'last_refresh'),
    prefix: textAt(entry, 'prefix'),
    problem: [message.replace(/\.$/, ''), copyOf === '' ? '' : `the same account as ${copyOf}`].filter((part) => part !== '').join('; '),
  };
}

/** The contract's words for the Go program's. */
const stateNames: Readonly<Record<string, string>> = { active: 'ready', error: 'unusable' };

function decodeRevocation(value: unknown): Revocation {
  const first: unknown = Array.isArray(value) ? value[0] : undefined;
  if (!isRecord(first)) return { kind: 'failed', detail: 'the file could not be read, so its tokens are not known' };
  if (first['offered'] !== true) return { kind: 'not_offered' };
  return first['ok'] === true ? { kind: 'revoked' } : { kind: 'failed', detail: textAt(first, 'detail') };
}

function textAt(record: Readonly<Record<string, unknown>>, name: string): string {
  const value = record[name];
  return typeof value === 'string' ? value : '';
}
