import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import BetterSqlite3 from 'better-sqlite3';
import { listOf, memberOf, parseJson, textOf } from '../harness/json.ts';

/** One identity's tokens, and the file they were read from. */
export interface Held {
  readonly fileName: string;
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresAtMs: number;
}

/** The auth directory and the ledgers beside it, as the fake keeps them. */
export interface Vault {
  readonly identities: () => readonly string[];
  /** The newest tokens of an identity, spent ones left out. */
  readonly read: (identity: string) => Held | undefined;
  readonly write: (identity: string, held: Held) => void;
  /** Whether the provider has refused this refresh token. */
  readonly isDead: (identity: string, refreshToken: string) => boolean;
  readonly hasIntent: (identity: string, refreshToken: string) => boolean;
  readonly openIntent: (identity: string, refreshToken: string) => void;
  readonly closeIntent: (identity: string, refreshToken: string, isDead: boolean) => void;
  /** Runs `work` while no other process on the directory does so for this identity; ends with undefined once `isDone`. */
  readonly locked: <T>(identity: string, isDone: () => boolean, work: () => Promise<T>) => Promise<T | undefined>;
}

const pauseMs = 10;
const domain = '@example.test';

export function createVault(authDir: string): Vault {
  const folder = join(authDir, '.keyward');
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const ledgerPath = (identity: string): string => join(folder, `${digestOf(identity)}.json`);
  const readLedger = (identity: string): unknown => readJson(ledgerPath(identity));
  const writeLedger = (identity: string, ledger: object): void => replaceFile(ledgerPath(identity), ledger);
  const digestsIn = (identity: string, name: string): readonly string[] => listOf(readLedger(identity), name).map((each) => textOf(each, 'digest'));
  const files = (): readonly (readonly [name: string, file: unknown])[] => readdirSync(authDir).filter((name) => name.endsWith('.json')).sort().map((name) => [name, readJson(join(authDir, name))] as const);
  const filesOf = (identity: string): ReturnType<typeof files> => files().filter(([, file]) => textOf(file, 'email') === `${identity}${domain}`);

  return {
    identities: () => [...new Set(files().map(([, file]) => textOf(file, 'email').replace(domain, '')))],
    read: (identity) => {
      const spent = digestsIn(identity, 'spent');
      const found = filesOf(identity)
        .map(([fileName, file]) => ({ fileName, accessToken: textOf(file, 'access_token'), refreshToken: textOf(file, 'refresh_token'), expiresAtMs: Date.parse(textOf(file, 'expired')) }))
        .filter(({ refreshToken }) => !spent.includes(digestOf(refreshToken)));
      return found.sort((left, right) => right.expiresAtMs - left.expiresAtMs)[0];
    },
    write: (identity, { accessToken, refreshToken, expiresAtMs }) => {
      const [first] = filesOf(identity);
      if (first === undefined || typeof first[1] !== 'object') return;
      replaceFile(join(authDir, first[0]), { ...first[1], access_token: accessToken, refresh_token: refreshToken, expired: new Date(expiresAtMs).toISOString() });
    },
    isDead: (identity, refreshToken) => digestsIn(identity, 'dead').includes(digestOf(refreshToken)),
    hasIntent: (identity, refreshToken) => textOf(memberOf(readLedger(identity), 'intent'), 'digest') === digestOf(refreshToken),
    openIntent: (identity, refreshToken) => writeLedger(identity, { ...objectOf(readLedger(identity)), intent: { digest: digestOf(refreshToken), pid: process.pid } }),
    closeIntent: (identity, refreshToken, isDead) => {
      const ledger = readLedger(identity);
      const list = isDead ? 'dead' : 'spent';
      writeLedger(identity, { ...objectOf(ledger), intent: null, [list]: [...listOf(ledger, list), { digest: digestOf(refreshToken) }] });
    },
    locked: async (identity, isDone, work) => {
      const path = join(folder, `${digestOf(identity)}.lock`);
      for (;;) {
        const database = new BetterSqlite3(path, { timeout: 0 });
        try {
          database.exec('BEGIN EXCLUSIVE');
        } catch {
          database.close();
          await sleep(pauseMs);
          if (isDone()) return undefined;
          continue;
        }
        try {
          return await work();
        } finally {
          database.close();
        }
      }
    },
  };
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 32);
}

function objectOf(value: unknown): object {
  return typeof value === 'object' && value !== null ? value : {};
}

function readJson(path: string): unknown {
  try {
    return parseJson(readFileSync(path, 'utf8'));
  } catch {
    return undefined;
  }
}

function replaceFile(path: string, value: object): void {
  const beside = `${path}.${process.pid}.tmp`;
  writeFileSync(beside, JSON.stringify(value), { mode: 0o600 });
  renameSync(beside, path);
}

/** `expires_in` of a token answer, in milliseconds from now. */
export function heldOf(fileName: string, answer: unknown): Held {
  const lifeS = memberOf(answer, 'expires_in');
  return { fileName, accessToken: textOf(answer, 'access_token'), refreshToken: textOf(answer, 'refresh_token'), expiresAtMs: Date.now() + (typeof lifeS === 'number' ? lifeS : 0) * 1_000 };
}
