import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { createKeyring, type Keyring } from '../../internal/accounts/auth-file/keyring.ts';
import { openAuthDirectory, type AuthDirectoryDeps, type OpenAuthDirectory } from '../../internal/accounts/directory/open-auth-directory.ts';
import { noTokens, type TokenSet } from '../../internal/accounts/token-set.ts';
import { systemClock } from '../../internal/clock/clock.ts';
import { silentLogger } from '../../internal/log/logger.ts';
import { Secret } from '../../internal/secret/secret.ts';

const providers: Readonly<Record<string, string>> = { claude: 'anthropic', codex: 'codex', gemini: 'google', antigravity: 'antigravity', qwen: 'qwen', iflow: 'iflow', kimi: 'kimi', xai: 'xai', vertex: 'vertex', corp: 'corp' };

/** Types as the presets have them, and `corp` for an `oauth.corp`. */
export function ofFileType(type: string): { readonly name: string } | undefined {
  const name = providers[type];
  return name === undefined ? undefined : { name };
}

export const plainKeyring: Keyring = createKeyring({ mode: 'off', envKeys: undefined, keyFile: '', uid: undefined });

export function envKeyring(...keys: readonly string[]): Keyring {
  return createKeyring({ mode: 'env', envKeys: keys.join(','), keyFile: '', uid: undefined });
}

/** A key of 32 bytes that are all `byte`, as an operator would write it. */
export const keyText = (byte: number): string => Buffer.alloc(32, byte).toString('base64url');

export interface AuthFolder {
  /** Absolute; inside a folder of its own, so that there is room beside it. */
  readonly path: string;
  readonly deps: AuthDirectoryDeps;
  readonly put: (name: string, content: unknown) => void;
  readonly read: (name: string) => string;
  readonly json: (name: string) => Record<string, unknown>;
  /** What stands in the folder, but for `.keyward`. */
  readonly names: () => readonly string[];
  readonly backups: () => readonly string[];
  /** Opened directories are closed when the test ends. */
  readonly open: (more?: Partial<AuthDirectoryDeps>) => Promise<OpenAuthDirectory>;
}

/** An auth directory on disk that goes when the test ends. */
export function makeAuthFolder(more: Partial<AuthDirectoryDeps> = {}): AuthFolder {
  const root = mkdtempSync(join(tmpdir(), 'keyward-auth-'));
  const path = join(root, 'auth');
  mkdirSync(path, { mode: 0o700 });
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const uid = process.getuid?.();
  const deps: AuthDirectoryDeps = { path, clock: systemClock, log: silentLogger, uid, ofFileType, keyring: plainKeyring, ...more };
  const read = (name: string): string => readFileSync(join(path, name), 'utf8');
  const list = (folder: string): readonly string[] => {
    try {
      return readdirSync(folder).sort();
    } catch {
      return [];
    }
  };
  return {
    path,
    deps,
    put: (name, content) => writeFileSync(join(path, name), typeof content === 'string' ? content : JSON.stringify(content, undefined, 2), { mode: 0o600 }),
    read,
    json: (name) => {
      const value: Record<string, unknown> = JSON.parse(read(name));
      return value;
    },
    names: () => list(path).filter((name) => name !== '.keyward'),
    backups: () => list(join(path, '.keyward', 'backups')),
    open: async (late = {}) => {
      const opened = await openAuthDirectory({ ...deps, ...late });
      onTestFinished(() => opened.directory.close());
      return opened;
    },
  };
}

/** A token set as a refresh brings it. */
export function tokenSet(access: string, refresh: string | undefined, more: Partial<TokenSet> = {}): TokenSet {
  return { ...noTokens, accessToken: new Secret(access), refreshToken: refresh === undefined ? undefined : new Secret(refresh), ...more };
}

/** A JWT with these claims; nobody verifies it. */
export function jwt(claims: object): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part(claims)}.c2lnbmF0dXJl`;
}
