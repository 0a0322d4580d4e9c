import { mkdir, readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TextSeal } from '../accounts/auth-file/sealing.ts';
import type { TokenFields } from '../accounts/directory/ports.ts';
import type { Clock } from '../clock/clock.ts';
import { writeDurably } from '../files/durable-write.ts';
import { takeKernelLock } from '../files/kernel-lock.ts';
import { errorCode } from '../files/synced-file.ts';
import type { Logger } from '../log/logger.ts';
import { Secret } from '../secret/secret.ts';
import type { LoginReason } from './ports.ts';

/** A refresh that was begun: written before the token is sent, closed when its outcome is durable (security rule 26). */
export interface Intent {
  readonly digest: string;
  readonly atMs: number;
  readonly pid: number;
}

/** A refresh token that the vendor refused. */
export interface DeadToken {
  readonly digest: string;
  readonly reason: LoginReason;
  readonly detail: string;
  readonly atMs: number;
}

/** What is remembered of one login beside its files. */
export interface LedgerState {
  readonly intent: Intent | undefined;
  /** Digest → when it was spent. */
  readonly spent: ReadonlyMap<string, number>;
  readonly dead: readonly DeadToken[];
  /** The newest tokens, so that a restored backup or a stale editor save cannot lose them. */
  readonly newest: TokenFields | undefined;
  /** The newest tokens as they stand on disk, where the key to open them is not at hand; kept until there are newer ones. */
  readonly unopened?: string;
}

export const emptyLedger: LedgerState = { intent: undefined, spent: new Map(), dead: [], newest: undefined };


export interface LedgersDeps {
  /** `<auth-dir>/.keyward`; made 0700 where it is missing, its parent never. */
  readonly folder: string;
  readonly clock: Clock;
  readonly log: Logger;
  /** Absent: token sets stand in plain text, as in the files beside them. */
  readonly seal?: TextSeal;
}

/** One small file a login. Reading needs no lock; writers hold the login's. */
export interface Ledgers {
  readonly lockPath: (loginKey: string) => string;
  /** Makes the folder where it is missing. Rejects with the system's error. */
  readonly prepare: () => Promise<void>;
  /** Empty where there is none; rejects with the system's error where one cannot be read. */
  readonly read: (loginKey: string) => Promise<LedgerState>;
  /** Durable when it resolves true; false: the disk took nothing, or there is no key to seal with, as the log says. Never rejects. */
  readonly write: (loginKey: string, state: LedgerState) => Promise<boolean>;
}

const keepSpentMs = 90 * 86_400_000;
const keptDead = 32;
/** Kept whatever their age: a clock that is wrong for once must not make all of them forgotten. */
const alwaysKeptSpent = 64;

function keepSpent(spent: ReadonlyMap<string, number>, nowMs: number): ReadonlyMap<string, number> {
  const inOrder = [...spent].sort(([, left], [, right]) => left - right);
  return new Map(inOrder.filter(([, atMs], index) => atMs > nowMs - keepSpentMs || index >= inOrder.length - alwaysKeptSpent));
}

export function createLedgers({ folder, clock, log, seal }: LedgersDeps): Ledgers {
  const pathOf = (loginKey: string): string => join(folder, `${loginKey}.json`);
  // Never with what is above it: a directory that was moved away must not come up again with new tokens in it alone.
  const prepare = async (): Promise<void> => {
    await mkdir(folder, { mode: 0o700 }).catch((thrown: unknown) => {
      if (errorCode(thrown) !== 'EEXIST') throw thrown;
    });
  };

  return {
    lockPath: (loginKey) => join(folder, `${loginKey}.lock`),
    prepare,
    read: async (loginKey) => {
      let text: string;
      try {
        text = await readFile(pathOf(loginKey), 'utf8');
      } catch (thrown) {
        if (errorCode(thrown) === 'ENOENT') return emptyLedger;
        // Taken for empty, it would let a spent token go out again.
        log.error({ err: thrown, file: pathOf(loginKey) }, 'what is remembered of a login cannot be read');
        throw thrown;
      }
      if (parse(text) === undefined) log.error({ file: pathOf(loginKey) }, 'what is remembered of a login is damaged and counts as empty');
      return decodeLedger(text, loginKey, seal);
    },
    write: async (loginKey, state) => {
      const kept = { ...state, spent: keepSpent(state.spent, clock.nowMs()), dead: state.dead.slice(-keptDead) };
      try {
        await prepare();
        const written = await writeDurably(pathOf(loginKey), await encodeLedger(kept, loginKey, seal), { generations: 0 });
        if (written.ok) return true;
        throw written.error.cause ?? new Error(written.error.kind);
      } catch (thrown) {
        log.error({ err: thrown, file: pathOf(loginKey) }, 'what is remembered of a login cannot be written');
        return false;
      }
    },
  };
}

/**
 * Writes every ledger's token sets anew, sealed by `next` (undefined: in plain text), for `accounts encrypt` and its relatives. Each under
 * its login's lock. False when one could not be rewritten, so that its key is still needed.
 */
export async function rewriteLedgers(folder: string, before: TextSeal | undefined, next: TextSeal | undefined, deps: Pick<LedgersDeps, 'clock' | 'log'>): Promise<boolean> {
  const from = createLedgers({ folder, ...deps, ...(before === undefined ? {} : { seal: before }) });
  const to = createLedgers({ folder, ...deps, ...(next === undefined ? {} : { seal: next }) });
  const names = await readdir(folder).catch(() => []);
  let isWhole = true;
  for (const name of names.filter((each) => /^[\da-f]+\.json$/.test(each))) {
    const loginKey = name.slice(0, -'.json'.length);
    const lock = await takeKernelLock(from.lockPath(loginKey), { clock: deps.clock, patienceMs: rewritePatienceMs });
    try {
      const state = await from.read(loginKey);
      isWhole = lock !== undefined && state.unopened === undefined && (await to.write(loginKey, state)) && isWhole;
    } catch {
      isWhole = false;
    } finally {
      lock?.release();
    }
  }
  return isWhole;
}

const rewritePatienceMs = 60_000;

async function encodeLedger(state: LedgerState, loginKey: string, seal: TextSeal | undefined): Promise<string> {
  const newest = state.newest === undefined ? null : encodeFields(state.newest);
  const { intent } = state;
  return `${JSON.stringify({
    version: 1,
    intent: intent === undefined ? null : { digest: intent.digest, at_ms: intent.atMs, pid: intent.pid },
    spent: [...state.spent].map(([digest, atMs]) => ({ digest, at_ms: atMs })),
    dead: state.dead.map(({ digest, reason, detail, atMs }) => ({ digest, reason, detail, at_ms: atMs })),
    newest: newest === null ? (state.unopened ?? null) : seal === undefined ? newest : await seal.seal(JSON.stringify(newest), loginKey),
  })}\n`;
}

async function decodeLedger(text: string, loginKey: string, seal: TextSeal | undefined): Promise<LedgerState> {
  const root = parse(text);
  const intent = memberOf(root, 'intent');
  const intentDigest = textOf(memberOf(intent, 'digest'));
  const newest = memberOf(root, 'newest');
  const opened = typeof newest === 'string' ? parse((await seal?.open(newest, loginKey)) ?? '') : newest;
  return {
    ...(typeof newest === 'string' && opened === undefined ? { unopened: newest } : {}),
    intent: intentDigest === undefined ? undefined : { digest: intentDigest, atMs: numberOf(memberOf(intent, 'at_ms')) ?? 0, pid: numberOf(memberOf(intent, 'pid')) ?? 0 },
    spent: new Map(listOf(memberOf(root, 'spent')).flatMap((item) => {
      const digest = textOf(memberOf(item, 'digest'));
      return digest === undefined ? [] : [[digest, numberOf(memberOf(item, 'at_ms')) ?? 0] as const];
    })),
    dead: listOf(memberOf(root, 'dead')).flatMap((item) => {
      const digest = textOf(memberOf(item, 'digest'));
      const reason = loginReasons.find((known) => known === memberOf(item, 'reason'));
      if (digest === undefined || reason === undefined) return [];
      return [{ digest, reason, detail: textOf(memberOf(item, 'detail')) ?? '', atMs: numberOf(memberOf(item, 'at_ms')) ?? 0 }];
    }),
    newest: opened === undefined || opened === null ? undefined : decodeFields(opened),
  };
}

const loginReasons: readonly LoginReason[] = ['refresh_refused', 'refresh_outcome_unknown', 'stale_token_restored', 'no_refresh_token', 'oauth_client_not_configured', 'confirmation_pending'];

function encodeFields({ tokens, facts }: TokenFields): object {
  return {
    access_token: tokens.accessToken?.reveal(),
    refresh_token: tokens.refreshToken?.reveal(),
    id_token: tokens.idToken?.reveal(),
    api_key: tokens.apiKey?.reveal(),
    expires_at_ms: tokens.expiresAtMs,
    issued_at_ms: tokens.issuedAtMs,
    facts,
  };
}

function decodeFields(value: unknown): TokenFields {
  const secretAt = (name: string): Secret | undefined => {
    const text = textOf(memberOf(value, name));
    return text === undefined ? undefined : new Secret(text);
  };
  const facts = memberOf(value, 'facts');
  return {
    tokens: {
      accessToken: secretAt('access_token'),
      refreshToken: secretAt('refresh_token'),
      idToken: secretAt('id_token'),
      apiKey: secretAt('api_key'),
      expiresAtMs: numberOf(memberOf(value, 'expires_at_ms')),
      issuedAtMs: numberOf(memberOf(value, 'issued_at_ms')),
    },
    ...(typeof facts === 'object' && facts !== null && !Array.isArray(facts) ? { facts: { ...facts } } : {}),
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function numberOf(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
