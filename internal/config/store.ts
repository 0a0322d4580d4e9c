import { readFile } from 'node:fs/promises';
import type { Clock } from '../clock/clock.ts';
import { AppError } from '../fault/app-error.ts';
import { err, ok, type Result } from '../fault/result.ts';
import { writeDurably, type DurableWriteFault } from '../files/durable-write.ts';
import { recoverInPlaceWrite } from '../files/in-place-write.ts';
import { watchFiles, type FileWatch } from '../files/watch.ts';
import { sha256Hex } from '../secret/digest.ts';
import { silentLogger, type Logger } from '../log/logger.ts';
import { compareConfigs } from './changes.ts';
import { decodeConfig } from './decode.ts';
import type { LoadedConfig } from './loaded.ts';
import { locateProblems } from './locate.ts';
import { describeSilentOpening, opensAccess } from './open-access.ts';
import type { ConfigChange, ConfigEdit, ConfigStore, PrepareConfig, WriteOptions } from './ports.ts';
import { formatProblem, type ConfigProblem } from './problem.ts';
import { parseYaml } from './yaml-source.ts';
import { readSecretFile as readFromDisk, type ReadSecretFile } from './secret-reference.ts';

export interface ConfigStoreDeps {
  /** Absolute path of the config file. */
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  readonly clock: Clock;
  readonly prepare: PrepareConfig;
  /** Told of warnings and ignored keys, each once, and of refused reloads. */
  readonly log?: Logger;
  readonly readSecretFile?: ReadSecretFile;
  /** Called after what somebody else wrote into the file went live. */
  readonly onEdited?: (previous: LoadedConfig, change: ConfigChange) => void;
}

/** Decoded, allowed and built beside what runs; `commit` makes it live. */
interface Candidate {
  readonly loaded: LoadedConfig;
  readonly commit: () => void;
}

type Problems = readonly ConfigProblem[];

/**
 * Opens the config file and makes it live, or names all that is wrong with it. Readers never wait; reloads and writes go
 * one after another. A change is read, decoded whole, prepared, (for writes) durable, and then committed: what fails on
 * the way leaves everything as it was.
 */
export async function createConfigStore(deps: ConfigStoreDeps): Promise<Result<ConfigStore, Problems>> {
  const { path, clock, log = silentLogger } = deps;
  const told = new Set<string>();
  let refusal: { readonly atMs: number; readonly problems: Problems } | undefined;
  let writers: Promise<unknown> = Promise.resolve();
  let watch: FileWatch | undefined;
  let watched = '';
  let isWatching = false;

  const decode = (text: string): Result<LoadedConfig, Problems> => decodeConfig({ path, text, env: deps.env, home: deps.home, readSecretFile: deps.readSecretFile ?? readFromDisk });

  function prepare(loaded: LoadedConfig, previous: LoadedConfig | undefined): Result<Candidate, Problems> {
    const prepared = deps.prepare(loaded, previous);
    return prepared.ok ? ok({ loaded, commit: prepared.value.commit }) : err(locateProblems(loaded.text, prepared.error));
  }

  /** One after another, whatever came of those before. */
  function inTurn<T>(run: () => Promise<T>): Promise<T> {
    const turn = writers.then(run, run);
    writers = turn.catch(() => undefined);
    return turn;
  }

  function tellOnce(loaded: LoadedConfig): void {
    const unknown = loaded.ignoredKeys.filter((key) => !loaded.warnings.some((warning) => warning.path === key)).map((key) => `ignored key '${key}'`);
    for (const line of [...loaded.warnings.map((warning) => formatProblem(path, warning)), ...unknown]) {
      if (!told.has(line)) log.warn(`config: ${line}`);
      told.add(line);
    }
  }

  await recoverInPlaceWrite(path).catch(() => false);
  const read = await readConfigText(path);
  const decoded = read.ok ? decode(read.value) : read;
  const first = decoded.ok ? prepare(decoded.value, undefined) : decoded;
  if (!first.ok) return first;
  let current = first.value.loaded;
  first.value.commit();
  tellOnce(current);

  async function adopt(candidate: Candidate): Promise<ConfigChange> {
    const previous = current;
    current = candidate.loaded;
    candidate.commit();
    refusal = undefined;
    tellOnce(current);
    const change = { ...compareConfigs(previous.config, current.config), loaded: current };
    if (change.changed.length > 0) log.info({ changed: change.changed, restart_required: change.restartRequired }, 'config: reloaded');
    if (isWatching) await follow();
    return change;
  }

  async function reload(): Promise<Result<ConfigChange, Problems>> {
    const onDisk = await readConfigText(path);
    const next = onDisk.ok ? decode(onDisk.value) : onDisk;
    if (!next.ok) return refuse(next.error);
    if (next.value.hash === current.hash && compareConfigs(current.config, next.value.config).changed.length === 0) {
      refusal = undefined;
      return ok({ changed: [], restartRequired: [], loaded: current });
    }
    const opening = describeSilentOpening(next.value, current);
    const candidate = opening === undefined ? prepare(next.value, current) : err([opening]);
    if (!candidate.ok) return refuse(candidate.error);
    const previous = current;
    const change = await adopt(candidate.value);
    deps.onEdited?.(previous, change);
    return ok(change);
  }

  function refuse(problems: Problems): Result<never, Problems> {
    const isNews = JSON.stringify(refusal?.problems) !== JSON.stringify(problems);
    refusal = { atMs: clock.nowMs(), problems };
    if (isNews) for (const problem of problems) if (problem.severity === 'error') log.error(`config: not reloaded: ${formatProblem(path, problem)}`);
    return err(problems);
  }

  /** `change` is given the file as it is now, which may be newer than what is live. */
  async function write(change: (text: string) => string | Promise<string>, options: WriteOptions): Promise<Result<ConfigChange, AppError>> {
    const onDisk = await readConfigText(path);
    if (!onDisk.ok) return err(new AppError('config_not_writable', { message: `The config file ${onDisk.error[0]?.message ?? 'cannot be read'}.` }));
    const hash = sha256Hex(onDisk.value);
    if (options.ifMatch !== undefined && options.ifMatch !== hash) return err(new AppError('precondition_failed'));
    const text = await change(onDisk.value);
    const next = decode(text);
    if (!next.ok) return err(invalidConfig(next.error));
    if (opensAccess(next.value, current) && options.allowOpen !== true) return err(new AppError('would_open_access'));
    const candidate = prepare(next.value, current);
    if (!candidate.ok) return err(invalidConfig(candidate.error));
    if (text !== onDisk.value) {
      const written = await writeDurably(path, text, { expectedHash: hash });
      if (!written.ok) return err(describeWriteFault(written.error));
    }
    return ok(await adopt(candidate.value));
  }

  const writeInTurn = (change: (text: string) => string | Promise<string>, options: WriteOptions = {}): Promise<Result<ConfigChange, AppError>> =>
    inTurn(async () => {
      try {
        return await write(change, options);
      } catch (thrown) {
        if (thrown instanceof AppError) return err(thrown);
        throw thrown;
      }
    });

  /** Follows the file and the files its secrets are in; a new set of files takes the old one's place. */
  async function follow(): Promise<void> {
    const secrets = [...current.secretOrigins.values()].flatMap((origin) => (origin.kind === 'file' ? [origin.path] : []));
    const paths = [path, ...new Set(secrets)].sort();
    if (paths.join('\0') === watched) return;
    const before = watch;
    watched = paths.join('\0');
    watch = await watchFiles({ paths, clock, onChange: () => void inTurn(reload) });
    await before?.close();
  }

  return ok({
    current: () => current,
    reload: () => inTurn(reload),
    replace: (text, options) => writeInTurn(() => text, options),
    // The editor of YAML text is loaded when a first edit asks for it.
    edit: (edits: readonly ConfigEdit[], options) =>
      writeInTurn(async (text) => {
        const { applyEdits } = await import('./edit.ts');
        const source = parseYaml(text);
        if (!source.ok) throw new AppError('invalid_config', { message: 'The config file on disk is not valid YAML; mend it first.', fields: { problems: source.error } });
        return applyEdits(text, edits);
      }, options),
    lastRefusal: () => refusal,
    watch: () =>
      inTurn(async () => {
        isWatching = true;
        await follow();
        // What was saved between opening the file and watching it.
        await reload();
      }),
    close: () =>
      inTurn(async () => {
        isWatching = false;
        watched = '';
        await watch?.close();
        watch = undefined;
      }),
  });
}

async function readConfigText(path: string): Promise<Result<string, Problems>> {
  try {
    const bytes = await readFile(path);
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return ok(text);
  } catch (thrown) {
    return err([{ severity: 'error', path: '', message: describeReadFailure(thrown) }]);
  }
}

function describeReadFailure(thrown: unknown): string {
  const code = thrown instanceof Error && 'code' in thrown ? String(thrown.code) : '';
  switch (code) {
    case 'ENOENT':
      return 'does not exist; `keyward init` writes one';
    case 'EISDIR':
      return 'is a directory; a config file was expected (Docker makes one where the mounted file is missing)';
    case 'EACCES':
      return 'may not be read by this user; check its owner and mode';
    case 'ERR_ENCODING_INVALID_ENCODED_DATA':
      return 'is not UTF-8 text';
    default:
      return `cannot be read (${code})`;
  }
}

function invalidConfig(problems: Problems): AppError {
  const errors = problems.filter((problem) => problem.severity === 'error');
  const [first] = errors;
  if (first?.isSyntax === true) {
    const place = first.line === undefined ? {} : { line: first.line, column: first.column ?? 1 };
    return new AppError('invalid_yaml', { message: `The configuration is not valid YAML: line ${first.line ?? 1}, column ${first.column ?? 1}: ${first.message}.`, fields: { ...place, problems } });
  }
  const others = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  return new AppError('invalid_config', { message: first === undefined ? 'The configuration is not valid.' : `The configuration is not valid: ${formatProblem('config', first)}${others}.`, fields: { problems } });
}

function describeWriteFault(fault: DurableWriteFault): AppError {
  switch (fault.kind) {
    case 'changed':
      return new AppError('precondition_failed', { message: 'The config file was saved by someone else at this moment; read it again.' });
    case 'link':
      return new AppError('config_not_writable', { message: 'The config file is a link, which Keyward does not write through; edit what it leads to.' });
    case 'not_regular':
      return new AppError('config_not_writable', { message: 'The config path is not a regular file.' });
    case 'not_writable':
      return new AppError('config_not_writable', { message: 'The config file or its folder cannot be written by this user; edit it by hand.', cause: fault.cause });
  }
}
