import type { AuthFile, AuthFileProblem } from '../accounts/auth-file/auth-file.ts';
import { accountsFromConfig } from '../accounts/from-config.ts';
import type { LoadedConfig } from '../config/loaded.ts';
import { locateProblems } from '../config/locate.ts';
import type { PrepareConfig } from '../config/ports.ts';
import type { ConfigProblem } from '../config/problem.ts';
import { err, ok } from '../fault/result.ts';
import { buildDoorRules, refuseSilentOpening, type DoorProcess, type DoorRules } from '../http/door-rules.ts';
import { accountsFromFiles } from '../providers/accounts-from-files.ts';
import type { Login } from '../providers/login.ts';
import { resolveLoginProfiles, type LoginProfiles } from '../providers/logins/resolve.ts';
import { proxyLimits } from '../proxy/limits.ts';
import { buildRoutingTable } from '../routing/table.ts';
import type { Snapshot } from '../server/snapshot.ts';

/** A snapshot with what only the daemon needs of it. */
export interface LiveSnapshot extends Snapshot {
  /** What the doors warn of, so that the same door can be built into a further snapshot. */
  readonly doorWarnings: readonly ConfigProblem[];
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
  /** Called after every commit, the first included. */
  readonly onCommit: (listener: (snapshot: LiveSnapshot, cause: CommitCause) => void) => void;
}

/** Builds what derives from config and auth directory beside what runs; `commit` is one assignment (ADR 0003). */
export function createLive(process: DoorProcess): Live {
  let current: LiveSnapshot | undefined;
  let files: readonly AuthFile[] = [];
  const listeners: ((snapshot: LiveSnapshot, cause: CommitCause) => void)[] = [];
  const commit = (snapshot: LiveSnapshot, cause: CommitCause): void => {
    current = snapshot;
    for (const listener of listeners) listener(snapshot, cause);
  };
  return {
    snapshot: () => {
      if (current === undefined) throw new TypeError('no config is live yet');
      return current;
    },
    onCommit: (listener) => void listeners.push(listener),
    setFiles: (next) => {
      files = next;
      if (current !== undefined) commit(buildSnapshot(current.loaded, current.door, current.doorWarnings, files), 'files');
    },
    prepare: (next: LoadedConfig) => {
      const door = buildDoorRules(next, process);
      if (!door.ok) return err(door.error);
      const opened = refuseSilentOpening(current?.door, door.value.rules, next, process);
      if (opened.length > 0) return err(opened);
      const snapshot = buildSnapshot(next, door.value.rules, door.value.warnings, files);
      // Files may have changed between building and committing: what counts is what is there then.
      const builtOf = files;
      return ok({ warnings: snapshot.warnings, commit: () => commit(builtOf === files ? snapshot : buildSnapshot(next, door.value.rules, door.value.warnings, files), 'config') });
    },
  };
}

function buildSnapshot(loaded: LoadedConfig, door: DoorRules, doorWarnings: readonly ConfigProblem[], files: readonly AuthFile[]): LiveSnapshot {
  const { accounts, warnings } = accountsFromConfig(loaded.config);
  const profiles = resolveLoginProfiles(loaded.config);
  const fromLogins = accountsFromFiles(files, profiles, loaded.config);
  return {
    loaded,
    warnings: locateProblems(loaded.text, [...doorWarnings, ...warnings]),
    door,
    doorWarnings,
    routes: buildRoutingTable([...accounts, ...fromLogins.accounts], loaded.config),
    limits: proxyLimits(loaded.config),
    profiles,
    logins: fromLogins.logins,
    accountProblems: fromLogins.problems,
  };
}
