import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AuthFile } from '../../internal/accounts/auth-file/auth-file.ts';
import type { FileFault, TokenFields, TokenWriter } from '../../internal/accounts/directory/ports.ts';
import { noTokens, type TokenSet } from '../../internal/accounts/token-set.ts';
import { systemClock, type Clock } from '../../internal/clock/clock.ts';
import { err, ok } from '../../internal/fault/result.ts';
import { silentLogger } from '../../internal/log/logger.ts';
import type { Login } from '../../internal/providers/login.ts';
import { vendorProfiles } from '../../internal/providers/logins/vendors.ts';
import { sha256Hex } from '../../internal/secret/digest.ts';
import { Secret } from '../../internal/secret/secret.ts';
import { createTokenKeeper, type KeeperDeps } from '../../internal/tokens/keeper.ts';
import { createLedgers, type Ledgers } from '../../internal/tokens/ledger.ts';
import type { GrantOutcome, TokenKeeper } from '../../internal/tokens/ports.ts';

/** What a provider with one-use refresh tokens does with the next refresh. */
export type Mood = 'answers' | 'loses-the-answer' | 'never-hears' | 'is-down' | 'refuses-client' | 'throttles';

/** A provider, an auth directory in memory, and any number of keepers on it, each as a process of its own would be. */
export interface TokenWorld {
  readonly folder: string;
  readonly ledgers: Ledgers;
  readonly login: Login;
  readonly files: Map<string, AuthFile>;
  /** Refresh tokens as they arrived. */
  readonly sent: readonly string[];
  readonly reuses: () => number;
  setMood: (mood: Mood, delayMs?: number) => void;
  /** Replaces a file as an editor or a backup would. */
  readonly putFile: (name: string, tokens: Partial<TokenSet>, more?: Partial<AuthFile>) => void;
  readonly addKeeper: (more?: Partial<KeeperDeps>) => TokenKeeper;
  /** The directory tells every keeper that something changed. */
  readonly tell: () => void;
  /** The next `count` writes of the file fail. */
  readonly failWrites: (count: number, kind?: FileFault['kind']) => void;
  readonly failReserves: (isFailing: boolean) => void;
  readonly close: () => Promise<void>;
}

export interface WorldOptions {
  readonly clock?: Clock;
  readonly lifetimeMs?: number;
  readonly rotates?: boolean;
  /** Names beside `a.json` that hold the same identity. */
  readonly copies?: readonly string[];
}

export function createTokenWorld(options: WorldOptions = {}): TokenWorld {
  const { clock = systemClock, lifetimeMs = 3_600_000, rotates = true, copies = [] } = options;
  const folder = mkdtempSync(join(tmpdir(), 'keyward-tokens-'));
  const ledgers = createLedgers({ folder: join(folder, '.keyward'), clock, log: silentLogger });
  const files = new Map<string, AuthFile>();
  const keepers: TokenKeeper[] = [];
  const sent: string[] = [];
  const [preset] = vendorProfiles;
  if (preset === undefined) throw new Error('no preset');
  const login: Login = {
    key: sha256Hex('world').slice(0, 40),
    source: 'refresh-token',
    profile: { ...preset, rotatesRefreshTokens: rotates, registration: { ...preset.registration, clientId: 'client' } },
    fileNames: ['a.json', ...copies],
    label: 'claude (ann@example.com)',
    accountId: 'login:0123456789ab',
    disabled: false,
  };

  let mood: Mood = 'answers';
  let delayMs = 0;
  let issued = 0;
  let reuses = 0;
  let current = 'rt-0';
  let isRevoked = false;
  const answer = (): GrantOutcome => {
    issued++;
    if (rotates) current = `rt-${issued}`;
    return { kind: 'issued', tokens: { ...noTokens, accessToken: new Secret(`at-${issued}`), refreshToken: rotates ? new Secret(current) : undefined, expiresAtMs: clock.nowMs() + lifetimeMs, issuedAtMs: clock.nowMs() } };
  };
  const refresh = async (refreshToken: string): Promise<GrantOutcome> => {
    if (mood === 'never-hears') return { kind: 'failed', wasSent: false, detail: 'connection refused', retryAfterMs: undefined };
    sent.push(refreshToken);
    if (delayMs > 0) await clock.sleep(delayMs);
    if (mood === 'refuses-client') return { kind: 'refused', error: 'invalid_client', detail: '', retryAfterMs: undefined };
    if (mood === 'throttles') return { kind: 'refused', error: 'http_429', detail: '', retryAfterMs: 60_000 };
    if (mood === 'is-down') return { kind: 'failed', wasSent: true, detail: 'status 500', retryAfterMs: undefined };
    if (isRevoked || refreshToken !== current) {
      if (!isRevoked && rotates) reuses++;
      isRevoked ||= rotates;
      return { kind: 'refused', error: 'invalid_grant', detail: '', retryAfterMs: undefined };
    }
    const given = answer();
    return mood === 'loses-the-answer' ? { kind: 'failed', wasSent: true, detail: 'connection reset', retryAfterMs: undefined } : given;
  };

  let failingWrites = 0;
  let failingKind: FileFault['kind'] = 'not_writable';
  let failsReserves = false;
  let version = 0;
  const put = (name: string, tokens: TokenSet, more: Partial<AuthFile> = {}): AuthFile => {
    version++;
    const file: AuthFile = {
      name, hash: `h${version}`, sizeBytes: 1, modifiedAtMs: clock.nowMs(), type: 'claude', provider: 'anthropic', identity: 'ann', email: 'ann@example.com',
      operator: { disabled: false, prefix: '', proxyUrl: '', priority: 0, weight: 1, headers: new Map(), excludedModels: [], modelAliases: [], disableCooling: false, note: '', baseUrl: '' },
      tokens, fact: () => undefined, serviceAccount: undefined, isWritable: true, isSealed: false, ...more,
    };
    files.set(name, file);
    return file;
  };
  const writer: TokenWriter = {
    read: async (name) => {
      const file = files.get(name);
      return file === undefined ? err({ kind: 'missing', message: 'it is not there' }) : ok(file);
    },
    reserve: async (name) => {
      if (failsReserves) return err({ kind: 'not_writable', message: 'the disk is full' });
      if (files.get(name)?.isWritable === false) return err({ kind: 'read_only', message: 'it is a link' });
      return ok({
        commit: async ({ tokens }: TokenFields, mayReplace: (present: TokenSet) => boolean = () => true) => {
          if (failingWrites > 0) {
            failingWrites--;
            return err({ kind: failingKind, message: 'it cannot be written' });
          }
          const there = files.get(name);
          if (there === undefined) return err({ kind: 'missing', message: 'it is not there' });
          return ok(mayReplace(there.tokens) ? put(name, tokens) : there);
        },
        release: async () => undefined,
      });
    },
  };
  const tell = (): void => {
    for (const keeper of keepers) keeper.setLogins([login]);
  };

  put('a.json', { ...noTokens, accessToken: new Secret('at-0'), refreshToken: new Secret('rt-0'), expiresAtMs: clock.nowMs() + lifetimeMs, issuedAtMs: clock.nowMs() });
  for (const name of copies) files.set(name, { ...put('a.json', files.get('a.json')?.tokens ?? noTokens), name });

  return {
    folder,
    ledgers,
    login,
    files,
    sent,
    reuses: () => reuses,
    setMood: (next, nextDelayMs = 0) => {
      mood = next;
      delayMs = nextDelayMs;
    },
    putFile: (name, tokens, more) => void put(name, { ...noTokens, ...tokens }, more),
    addKeeper: (more = {}) => {
      const keeper = createTokenKeeper({
        clock, log: silentLogger, ledgers, writer, lockPatienceMs: 10_000, fileNamed: (name) => files.get(name), random: () => 0,
        grants: {
          refresh: (_login, tokens) => refresh(tokens.refreshToken?.reveal() ?? ''),
          clientCredentials: async () => answer(),
          serviceAccount: async () => answer(),
        },
        ...more,
      });
      keepers.push(keeper);
      keeper.setLogins([login]);
      return keeper;
    },
    tell,
    failWrites: (count, kind = 'not_writable') => {
      failingWrites = count;
      failingKind = kind;
    },
    failReserves: (isFailing) => {
      failsReserves = isFailing;
    },
    close: async () => {
      await Promise.all(keepers.map((keeper) => keeper.close()));
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
