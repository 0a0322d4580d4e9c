import { decodeAuthFile } from '../../../internal/accounts/auth-file/decode.ts';
import type { AuthFile, AuthFileProblem } from '../../../internal/accounts/auth-file/auth-file.ts';
import { readMembers } from '../../../internal/accounts/auth-file/members.ts';
import { operatorChanges } from '../../../internal/accounts/auth-file/operator-changes.ts';
import { changeMembers } from '../../../internal/accounts/auth-file/patch.ts';
import { noTokens, type TokenSet } from '../../../internal/accounts/token-set.ts';
import type { AccountWriter } from '../../../internal/accounts/directory/ports.ts';
import type { ConfigStore } from '../../../internal/config/ports.ts';
import { AppError } from '../../../internal/fault/app-error.ts';
import { err, ok, type Result } from '../../../internal/fault/result.ts';
import type { AccountParts } from '../../../internal/management/ports.ts';
import { accountsFromFiles, type LoginAccounts } from '../../../internal/providers/accounts-from-files.ts';
import { resolveLoginProfiles, type LoginProfiles } from '../../../internal/providers/logins/resolve.ts';
import { sha256Hex } from '../../../internal/secret/digest.ts';
import type { LoginState } from '../../../internal/tokens/ports.ts';
import type { Logins, LoginSession, LoginReturn, StartedLogin } from '../../../internal/upstreamauth/ports.ts';

export const authDirPath = '/home/me/.keyward/auth';
const modifiedAtMs = Date.UTC(2026, 9, 1);

/** An auth directory in memory, over the real decoder, and logins that a test decides. */
export interface FakeAccounts {
  readonly parts: (config: () => ConfigStore) => AccountParts;
  /** What stands on disk. */
  readonly texts: Map<string, string>;
  /** Names of every write, in order. */
  readonly written: string[];
  readonly problems: AuthFileProblem[];
  /** Shown as sealed: what `download` gives unless it is opened. */
  readonly sealed: Set<string>;
  /** By file name. */
  readonly states: Map<string, LoginState>;
  readonly retried: string[];
  readonly revoked: string[];
  /** First files of logins that another process refreshes. */
  readonly busy: Set<string>;
  /** What a login's ledger knows of newer tokens, by its first file. */
  readonly newest: Map<string, TokenSet>;
  readonly logins: LoginScript;
  /** Runs once, in the instant before a file is put. */
  beforePut: () => void;
  readonly accounts: () => LoginAccounts;
}

/** What the fake logins do and saw. */
export interface LoginScript {
  /** What `start` gives; thrown where it is an error. */
  next: StartedLogin | AppError;
  readonly sessions: LoginSession[];
  readonly started: { readonly provider: string; readonly options: Parameters<Logins['start']>[1] }[];
  readonly finished: { readonly provider: string; readonly returned: LoginReturn }[];
  /** What `finish` gives; thrown where it is an error. */
  outcome: { readonly kind: 'done'; readonly fileName: string; readonly label: string; readonly isDisabled: boolean } | AppError;
  readonly waiting: Map<string, (status: LoginSession['status']) => void>;
}

export function createFakeAccounts(files: Readonly<Record<string, string>> = {}): FakeAccounts {
  const texts = new Map(Object.entries(files));
  const written: string[] = [];
  const problems: AuthFileProblem[] = [];
  const sealed = new Set<string>();
  const states = new Map<string, LoginState>();
  const retried: string[] = [];
  const revoked: string[] = [];
  const busy = new Set<string>();
  const newest = new Map<string, TokenSet>();
  const logins: LoginScript = { next: new AppError('login_not_offered'), sessions: [], started: [], finished: [], outcome: new AppError('login_failed'), waiting: new Map() };
  let loaded: readonly AuthFile[] = [];
  let found: readonly AuthFileProblem[] = [];
  let made: LoginAccounts = { accounts: [], logins: [], problems: [] };

  const parts = (config: () => ConfigStore): AccountParts => {
    const profiles = (): LoginProfiles => resolveLoginProfiles(config().current().config);
    const decode = async (name: string): Promise<Result<AuthFile, AuthFileProblem>> => {
      const bytes = Buffer.from(texts.get(name) ?? '');
      const decoded = await decodeAuthFile({ name, bytes, hash: sha256Hex(bytes), modifiedAtMs, isWritable: true }, { ofFileType: profiles().ofFileType, mode: 'off', readKeys: () => Promise.resolve(ok([])) });
      return decoded.ok ? ok({ ...decoded.value.file, isSealed: sealed.has(name) }) : decoded;
    };
    const rescan = async (): Promise<void> => {
      const decoded = await Promise.all([...texts.keys()].sort().map(decode));
      loaded = decoded.flatMap((result) => (result.ok ? [result.value] : []));
      found = decoded.flatMap((result) => (result.ok ? [] : [result.error]));
      made = accountsFromFiles(loaded, profiles(), config().current().config);
    };
    const write = async (name: string, text: string): Promise<Result<AuthFile, AppError>> => {
      const before = texts.get(name);
      texts.set(name, text);
      const decoded = await decode(name);
      if (decoded.ok) {
        written.push(name);
        return decoded;
      }
      if (before === undefined) texts.delete(name);
      else texts.set(name, before);
      return err(new AppError('invalid_auth_file', { message: decoded.error.message }));
    };
    const writer: AccountWriter = {
      put: (name, text, { mayReplace, expectedHash }) => {
        fake.beforePut();
        fake.beforePut = () => undefined;
        const isOther = expectedHash !== undefined && expectedHash !== sha256Hex(Buffer.from(texts.get(name) ?? ''));
        return isOther || (texts.has(name) && !mayReplace) ? Promise.resolve(err(new AppError('precondition_failed'))) : write(name, text);
      },
      patch: (name, fields, expectedHash) => {
        const text = texts.get(name);
        if (text === undefined) return Promise.resolve(err(new AppError('item_not_found')));
        if (expectedHash !== undefined && expectedHash !== sha256Hex(Buffer.from(text))) return Promise.resolve(err(new AppError('precondition_failed')));
        const members = readMembers(Buffer.from(text));
        const changes = members.ok ? operatorChanges(members.value, fields) : members;
        return changes.ok ? write(name, changeMembers(text, changes.value)) : Promise.resolve(err(new AppError('invalid_auth_file', { message: changes.error })));
      },
      knows: () => true,
    storeLogin: () => Promise.reject(new TypeError('no login is stored here')),
      remove: (name) => {
        if (!texts.delete(name)) return Promise.resolve(err(new AppError('item_not_found', { message: 'auth file not found' })));
        written.push(name);
        return Promise.resolve(ok(undefined));
      },
      download: (name, { isOpened }) => {
        const text = texts.get(name);
        if (text === undefined) return Promise.resolve(err(new AppError('item_not_found')));
        return Promise.resolve(ok(sealed.has(name) && !isOpened ? '{"keyward_sealed":"…"}' : text));
      },
    };
    return {
      directory: () => ({ path: authDirPath, files: () => loaded, problems: () => [...found, ...problems], rescan }),
      writer: () => writer,
      problems: () => made.problems,
      logins: () => made.logins,
      profiles,
      keeper: {
        stateOf: (key) => states.get(made.logins.find((login) => login.key === key)?.fileNames[0] ?? '') ?? { kind: 'ready', expiresAtMs: undefined, lastRefreshMs: undefined },
        hold: async (key, work) => {
          const login = made.logins.find((known) => known.key === key);
          if (login === undefined) return err('unknown');
          const [name = ''] = login.fileNames;
          return busy.has(name) ? err('busy') : ok(await work(newest.get(name) ?? noTokens));
        },
        retry: (key) => void retried.push(...(made.logins.find((login) => login.key === key)?.fileNames ?? [])),
      },
      vendorLogins: fakeLogins(logins),
      revoke: (provider, refreshToken, accessToken) => {
        revoked.push([provider, refreshToken?.reveal(), accessToken?.reveal()].join(' '));
        return Promise.resolve({ offered: true, ok: true, detail: '' });
      },
    };
  };
  const fake: FakeAccounts = { parts, texts, written, problems, sealed, states, retried, revoked, busy, newest, logins, beforePut: () => undefined, accounts: () => made };
  return fake;
}

function fakeLogins(script: LoginScript): AccountParts['vendorLogins'] {
  return {
    start: (provider, options) => {
      script.started.push({ provider, options });
      const { next } = script;
      if (next instanceof AppError) return Promise.reject(next);
      script.sessions.push({ state: next.state, provider: next.provider, grant: next.grant, startedAtMs: next.expiresAtMs - 600_000, expiresAtMs: next.expiresAtMs, status: { kind: 'waiting' } });
      return Promise.resolve(next);
    },
    finish: (provider, returned) => {
      script.finished.push({ provider, returned });
      return script.outcome instanceof AppError ? Promise.reject(script.outcome) : Promise.resolve(script.outcome);
    },
    statusOf: (state) => script.sessions.find((session) => session.state === state)?.status,
    sessions: () => script.sessions,
    cancel: (state) => script.sessions.some((session) => session.state === state && session.status.kind === 'waiting'),
    wait: (state) => new Promise((resolve) => script.waiting.set(state, resolve)),
  };
}
