import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { listOf, memberOf, parseJson, textOf } from './json.ts';

/** A refresh that was begun and whose outcome is not durable yet, as it stands on disk (security rule 26). */
export interface OpenIntent {
  /** Of the refresh token; the beginning of its SHA-256 in hex. */
  readonly digest: string;
  /** 0 where the ledger does not say. */
  readonly pid: number;
}

/** What the ledgers beside the auth files hold at this moment. */
export interface LedgersOnDisk {
  readonly ledgerCount: number;
  readonly intents: readonly OpenIntent[];
  /** Digests that an intent or a refusal is remembered of. */
  readonly remembered: readonly string[];
}

/** Reads `<auth-dir>/.keyward/*.json`; what is absent, half-written or odd counts as nothing. */
export function readLedgers(authDir: string): LedgersOnDisk {
  const ledgers = readFolder(join(authDir, '.keyward'));
  const intents = ledgers.map((ledger) => memberOf(ledger, 'intent')).flatMap((intent) => {
    const digest = textOf(intent, 'digest');
    const pid = memberOf(intent, 'pid');
    return digest === '' ? [] : [{ digest, pid: typeof pid === 'number' ? pid : 0 }];
  });
  const dead = ledgers.flatMap((ledger) => listOf(ledger, 'dead')).map((each) => (typeof each === 'string' ? each : textOf(each, 'digest')));
  return { ledgerCount: ledgers.length, intents, remembered: [...intents.map(({ digest }) => digest), ...dead.filter((digest) => digest !== '')] };
}

/** Whether a ledger's digest stands for the token whose whole SHA-256 is `sha256`. */
export function isDigestOf(digest: string, sha256: string): boolean {
  return digest.length >= 12 && sha256.startsWith(digest);
}

function readFolder(path: string): readonly unknown[] {
  let names: readonly string[];
  try {
    names = readdirSync(path);
  } catch {
    return [];
  }
  return names
    .filter((name) => name.endsWith('.json'))
    .map((name) => {
      try {
        return parseJson(readFileSync(join(path, name), 'utf8'));
      } catch {
        return undefined;
      }
    })
    .filter((ledger) => ledger !== undefined);
}
