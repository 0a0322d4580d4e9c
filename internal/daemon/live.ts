import type { AuthFile, AuthFileProblem } from '../accounts/auth-file/auth-file.ts';
import type { Account } from '../accounts/account.ts';
import { accountsFromConfig } from '../accounts/from-config.ts';
import type { LoadedConfig } from '../config/loaded.ts';
import { locateProblems } from '../config/locate.ts';
import type { PrepareConfig } from '../config/ports.ts';
import { err, ok } from '../fault/result.ts';
import { buildDoorRules, refuseSilentOpening, type DoorProcess } from '../http/door-rules.ts';
import { accountsFromFiles } from '../providers/accounts-from-files.ts';
import type { Login } from '../providers/login.ts';
import { resolveLoginProfiles, type LoginProfiles } from '../providers/logins/resolve.ts';
import { proxyLimits } from '../proxy/limits.ts';
import { buildRoutingTable } from '../routing/table.ts';
import { sha256Hex } from '../secret/digest.ts';
import { Secret } from '../secret/secret.ts';
import type { Snapshot } from '../server/snapshot.ts';
import { isLatched } from '../http/client-auth-latch.ts';
import { findMissingClients } from '../upstreamauth/missing-clients.ts';

/** A snapshot with what only the daemon needs of it. */
export interface LiveSnapshot extends Snapshot {
  readonly configAccounts: readonly Account[];
  readonly fileAccounts: readonly Account[];
  readonly profiles: LoginProfiles;
  /** Of the auth directory and of client-credentials entries. */
  readonly logins: readonly Login[];
  /** What keeps files and entries from becoming accounts. */
  readonly accountProblems: readonly AuthFileProblem[];
}

/** What a commit came of: an edited config, or a change in the auth directory. */
export type CommitCause = 'config' | 'files';

/** The one cell that a reload swaps; requests read it once each. */
export interface Live {
  /** Throws before the first config is committed: a mistake of ours. */
  readonly snapshot: () => LiveSnapshot;
  readonly prepare: PrepareConfig;
  /** The files of the auth directory as they are now; the routing that follows from them is live when it returns. */
  readonly setFiles: (files: readonly AuthFile[]) => void;
  /** From now on nobody comes in without a credential, whatever the config says: the latch is set. */
  readonly closeDoor: () => void;
  /** Called after every commit, the first included. */
  readonly onCommit: (listener: (snapshot: LiveSnapshot, cause: CommitCause) => void) => void;
}

/** Builds what derives from config and auth directory beside what runs; `commit` is one assignment (ADR 0003). */
export function createLive(process: DoorProcess): Live {
  let current: LiveSnapshot | undefined;
  let files: readonly AuthFile[] = [];
  /** Stays for the life of the process, also when `data-dir` is changed in the file. */
  let isClientAuthLatched = false;
  const listeners: ((snapshot: LiveSnapshot, cause: CommitCause) => void)[] = [];
  const commit = (snapshot: LiveSnapshot, cause: CommitCause): void => {
    current = snapshot;
    for (const listener of listeners) listener(snapshot, cause);
  };
  const prepare = (next: LoadedConfig): ReturnType<PrepareConfig> => {
    isClientAuthLatched ||= isLatched(next.dataDir);
    const door = buildDoorRules(next, { ...process, isClientAuthLatched });
    if (!door.ok) return err(door.error);
    const opened = refuseSilentOpening(current?.door, door.value.rules, next, process);
    if (opened.length > 0) return err(opened);
    const { accounts, warnings } = accountsFromConfig(next.config);
    const allWarnings = locateProblems(next.text, [...door.value.warnings, ...warnings]);
    const base: ConfigPart = { loaded: next, warnings: allWarnings, door: door.value.rules, limits: proxyLimits(next.config, process.isClientAuthLatched), configAccounts: accounts, profiles: resolveLoginProfiles(next.config) };
    const builtOf = files;
    const snapshot = { ...base, ...withFiles(base, builtOf) };
    return ok({
      warnings: allWarnings,
      // Files may have changed between building and committing: what counts is what is there then.
      commit: () => commit(builtOf === files ? snapshot : { ...base, ...withFiles(base, files) }, 'config'),
    });
  };
  return {
    snapshot: () => {
      if (current === undefined) throw new TypeError('no config is live yet');
      return current;
    },
    onCommit: (listener) => void listeners.push(listener),
    setFiles: (next) => {
      files = next;
      if (current !== undefined) commit({ ...current, ...withFiles(current, files) }, 'files');
    },
    closeDoor: () => {
      isClientAuthLatched = true;
      if (current?.door.isOpen !== true) return;
      const again = prepare(current.loaded);
      if (!again.ok) throw new TypeError('a config that was live cannot be closed');
      again.value.commit();
    },
    prepare,
  };
}

type ConfigPart = Omit<LiveSnapshot, keyof FilePart>;
type FilePart = Pick<LiveSnapshot, 'routes' | 'fileAccounts' | 'logins' | 'accountProblems'>;

/** A refresh changes files all day long and no account of theirs: routing stays as it is then, with all that hangs on it. */
function withFiles(base: ConfigPart & Partial<FilePart>, files: readonly AuthFile[]): FilePart {
  const { accounts, logins, problems: refusals } = accountsFromFiles(files, base.profiles, base.loaded.config);
  const problems = [...refusals, ...findMissingClients(logins, files)];
  const { routes, fileAccounts } = base;
  const isSame = routes !== undefined && fileAccounts !== undefined && fileAccounts.length === accounts.length && accounts.every((account, index) => textOf(account) === textOf(fileAccounts[index]));
  if (isSame) return { routes, fileAccounts, logins, accountProblems: problems };
  return { routes: buildRoutingTable([...base.configAccounts, ...accounts], base.loaded.config), fileAccounts: accounts, logins, accountProblems: problems };
}

/** All that an account says, to compare it; secrets count by their digests. */
function textOf(account: Account | undefined): string {
  return JSON.stringify(account, (_name, value: unknown) => {
    if (value instanceof Map) return [...value].map(([name, item]: readonly [unknown, unknown]) => [name, item instanceof Secret ? sha256Hex(item.reveal()) : item]);
    return value;
  });
}
