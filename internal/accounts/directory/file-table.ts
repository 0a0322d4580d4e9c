import { chmod, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../clock/clock.ts';
import { errorCode } from '../../files/synced-file.ts';
import { escapeForeign } from '../../log/escape.ts';
import type { Logger } from '../../log/logger.ts';
import type { AuthFile, AuthFileProblem } from '../auth-file/auth-file.ts';
import type { DecodeContext, DecodedFile } from '../auth-file/decode.ts';
import { decodeContext, decodeOutcome, type DecodeDeps, type ReadOutcome } from './decode-on-disk.ts';
import { checkFolder, directoryName, sweepTempFiles } from './folder.ts';
import { readAuthFile, stampOf, type Stamp } from './read-file.ts';

export interface FileTableDeps extends DecodeDeps {
  readonly clock: Clock;
  readonly log: Logger;
}

/** What is known of the directory's files. Scans go one after another; `files` and `problems` show the last one that ended. */
export interface FileTable {
  readonly files: () => readonly AuthFile[];
  readonly problems: () => readonly AuthFileProblem[];
  /** Names an account may be known under, of a file in `files`. */
  readonly candidatesOf: (name: string) => readonly string[];
  readonly isKnown: (name: string) => boolean;
  /** `isForced` reads files again whose meaning may have changed though they have not. */
  readonly scan: (options: { readonly isForced: boolean }) => Promise<ScanOutcome>;
  /** Looks at one file that Keyward wrote or removed itself: it is believed at once. */
  readonly lookAt: (name: string) => Promise<ScanOutcome>;
}

export interface ScanOutcome {
  readonly isChanged: boolean;
  /** When to look again before the next sweep, since something is half done. */
  readonly lookAgainInMs: number | undefined;
}

interface Entry {
  readonly stamp: Stamp;
  readonly hash: string | undefined;
  /** Not written to for a while when it was read, so that its stamp is to be trusted. */
  readonly isSettled: boolean;
  readonly good: { readonly file: AuthFile; readonly candidates: readonly string[] } | undefined;
  readonly problem: AuthFileProblem | undefined;
  readonly warnings: readonly AuthFileProblem[];
  readonly missingSinceMs: number | undefined;
}

/** A replacement that is no atomic rename deletes first; so do some editors. */
const missingGraceMs = 600;
/** A file that does not parse may be half written. */
const halfWrittenMs = 150;
/** Coarser clocks of filesystems could give two saves within this the same stamp. */
const settledAfterMs = 2_000;
/** Files looked at together; more would keep the system's few file threads from others. */
const batch = 128;
/** Problems that say nothing of what the file meant to be: its last good version stays in use. */
const passing: ReadonlySet<AuthFileProblem['code']> = new Set(['unreadable', 'not_json', 'sealed']);

export function createFileTable(deps: FileTableDeps): FileTable {
  const { path, uid, clock, log } = deps;
  const entries = new Map<string, Entry>();
  /** False while nothing in `entries` or `folderProblems` is new. */
  let isNews = true;
  /** File name → the problem that the log was told of. */
  const told = new Map<string, string>();
  let folderProblems: readonly AuthFileProblem[] = [];
  let files: readonly AuthFile[] = [];
  let problems: readonly AuthFileProblem[] = [];
  let lookAgainInMs: number | undefined;
  let turns: Promise<unknown> = Promise.resolve();

  const inTurn = (run: () => Promise<void>): Promise<ScanOutcome> => {
    const turn = turns.then(run).then(publish);
    turns = turn.catch(() => undefined);
    return turn;
  };

  async function scan(isForced: boolean): Promise<void> {
    const checked = await checkFolder(path, uid, log);
    isNews ||= checked.length > 0 || folderProblems.length > 0;
    folderProblems = checked;
    const broken = checked.find(({ severity }) => severity === 'error');
    // A directory that cannot be read says nothing of its files; one that is not ours is not believed.
    if (broken !== undefined && broken.code !== 'unreadable') entries.clear();
    if (broken !== undefined) return;
    let names: readonly string[];
    try {
      names = await readdir(path);
    } catch (thrown) {
      isNews = true;
      folderProblems = [{ name: directoryName, code: 'unreadable', severity: 'error', message: `The auth directory cannot be listed (${errorCode(thrown)}); files that were loaded stay in use.` }];
      return;
    }
    await sweepTempFiles(path, names, clock.nowMs());
    const wanted = names.filter((name) => !name.startsWith('.') && name.toLowerCase().endsWith('.json'));
    const context = decodeContext(deps);
    for (let start = 0; start < wanted.length; start += batch) {
      const part = wanted.slice(start, start + batch);
      const stamps = await Promise.all(part.map((name) => stampOf(join(path, name))));
      for (const [index, name] of part.entries()) {
        const stamp = stamps[index];
        if (stamp === undefined) markMissing(name);
        else if (isForced || !isUnchanged(name, stamp)) await refresh(name, context);
      }
    }
    const present = new Set(wanted);
    for (const name of entries.keys()) if (!present.has(name)) markMissing(name);
  }

  function isUnchanged(name: string, stamp: Stamp): boolean {
    const entry = entries.get(name);
    if (entry?.stamp !== stamp || !entry.isSettled) return false;
    if (entry.missingSinceMs !== undefined) keep(name, { ...entry, missingSinceMs: undefined });
    return true;
  }

  async function refresh(name: string, context: DecodeContext): Promise<void> {
    const before = entries.get(name);
    const read = await readAuthFile(path, name, uid);
    if (read.kind === 'missing') return markMissing(name);
    // A failing disk is asked again each time.
    const isSettled = read.kind === 'refused' ? read.code !== 'unreadable' : clock.nowMs() - read.modifiedAtMs > settledAfterMs;
    const hash = read.kind === 'read' ? read.hash : undefined;
    const modeWarning = read.kind === 'read' ? await narrow(name, read, before) : undefined;
    const present = { stamp: read.stamp, isSettled, missingSinceMs: undefined };
    if (before !== undefined && hash !== undefined && before.hash === hash && hasSameMeaning(before, read)) {
      keep(name, { ...before, ...present, warnings: withMode(before.warnings, modeWarning) });
      return tell(name);
    }
    const decoded = await decodeOutcome(name, read, context);
    keep(name, { ...present, hash, ...settle(decoded.ok ? decoded.value : undefined, decoded.ok ? undefined : decoded.error, modeWarning, before) });
    tell(name);
  }

  /** False where a changed config or key could give the same bytes another meaning. */
  function hasSameMeaning({ good, problem }: Entry, read: ReadOutcome): boolean {
    if (problem !== undefined || good === undefined) return problem !== undefined && !rereadable.has(problem.code);
    return read.kind === 'read' && good.file.isWritable === !read.isLink && deps.ofFileType(good.file.type)?.name === good.file.provider;
  }

  async function narrow(name: string, read: Extract<ReadOutcome, { readonly kind: 'read' }>, before: Entry | undefined): Promise<AuthFileProblem | undefined> {
    if (uid === undefined || (read.mode & 0o077) === 0) {
      // Stays told as long as the file is what others may have read.
      return before?.hash === read.hash ? before.warnings.find(({ code }) => code === 'mode') : undefined;
    }
    const mode = read.mode.toString(8);
    const warning = (message: string): AuthFileProblem => ({ name, code: 'mode', severity: 'warning', message });
    if (read.isLink) return warning(`What the file links to is open to others (mode ${mode}).`);
    try {
      await chmod(join(path, name), 0o600);
      log.warn({ file: escapeForeign(name), was: mode }, 'an account file was open to others and was narrowed to 0600');
      return warning(`The file was open to others (mode ${mode}) and was narrowed to 0600; whoever else uses this machine may have read its tokens.`);
    } catch (thrown) {
      return warning(`The file is open to others (mode ${mode}) and cannot be narrowed (${errorCode(thrown)}).`);
    }
  }

  function markMissing(name: string): void {
    const entry = entries.get(name);
    if (entry === undefined) return;
    const nowMs = clock.monotonicMs();
    if (entry.missingSinceMs !== undefined && nowMs - entry.missingSinceMs >= missingGraceMs) forget(name);
    else if (entry.missingSinceMs === undefined) keep(name, { ...entry, missingSinceMs: nowMs });
  }

  function keep(name: string, entry: Entry): void {
    entries.set(name, entry);
    isNews = true;
  }

  function forget(name: string): void {
    entries.delete(name);
    isNews = true;
    told.delete(name);
  }

  /** Once a problem, and not while the file may just be half written. */
  function tell(name: string): void {
    const entry = entries.get(name);
    const problem = entry?.problem;
    if (problem === undefined) return void told.delete(name);
    if (told.get(name) === problem.message || (problem.code === 'not_json' && entry?.isSettled === false)) return;
    told.set(name, problem.message);
    log.warn({ file: escapeForeign(name), code: problem.code }, `${entry?.good === undefined ? 'an account file is not used' : 'an account file is not taken as it stands now'}: ${problem.message}${entry?.good === undefined ? '' : ' Its last good version stays in use.'}`);
  }

  function publish(): ScanOutcome {
    // Most sweeps of a second find nothing.
    if (!isNews && lookAgainInMs === undefined) return { isChanged: false, lookAgainInMs };
    isNews = false;
    const byName = [...entries].sort(([left], [right]) => (left < right ? -1 : 1));
    const nextFiles = byName.flatMap(([, { good }]) => (good === undefined ? [] : [good.file]));
    const nextProblems = [...folderProblems, ...byName.flatMap(([, { problem, warnings }]) => [...(problem === undefined ? [] : [problem]), ...warnings])];
    const isChanged = nextFiles.length !== files.length || nextFiles.some((file, index) => file !== files[index]) || JSON.stringify(nextProblems) !== JSON.stringify(problems);
    files = nextFiles;
    problems = nextProblems;
    const isAnyMissing = byName.some(([, { missingSinceMs }]) => missingSinceMs !== undefined);
    const isAnyHalf = byName.some(([, { problem, isSettled }]) => problem?.code === 'not_json' && !isSettled);
    lookAgainInMs = isAnyHalf ? halfWrittenMs : isAnyMissing ? missingGraceMs + 10 : undefined;
    return { isChanged, lookAgainInMs };
  }

  return {
    files: () => files,
    problems: () => problems,
    candidatesOf: (name) => entries.get(name)?.good?.candidates ?? [],
    isKnown: (name) => entries.has(name),
    scan: ({ isForced }) => inTurn(() => scan(isForced)),
    lookAt: (name) =>
      inTurn(async () => {
        if ((await stampOf(join(path, name))) === undefined) forget(name);
        else await refresh(name, decodeContext(deps));
      }),
  };
}

/** Problems that another config or keyring may solve. */
const rereadable: ReadonlySet<AuthFileProblem['code']> = new Set(['sealed', 'unknown_type', 'plaintext']);

function settle(decoded: DecodedFile | undefined, problem: AuthFileProblem | undefined, mode: AuthFileProblem | undefined, before: Entry | undefined): Pick<Entry, 'good' | 'problem' | 'warnings'> {
  if (decoded !== undefined) return { good: { file: decoded.file, candidates: decoded.candidates }, problem: undefined, warnings: withMode(decoded.warnings, mode) };
  const good = problem !== undefined && passing.has(problem.code) ? before?.good : undefined;
  return { good, problem, warnings: withMode([], mode) };
}

function withMode(warnings: readonly AuthFileProblem[], mode: AuthFileProblem | undefined): readonly AuthFileProblem[] {
  const others = warnings.filter(({ code }) => code !== 'mode');
  return mode === undefined ? others : [...others, mode];
}
