import { AppError } from '../../../internal/fault/app-error.ts';
import { err, ok, type Result } from '../../../internal/fault/result.ts';
import { decodeConfig } from '../../../internal/config/decode.ts';
import { applyEdits } from '../../../internal/config/edit.ts';
import type { LoadedConfig } from '../../../internal/config/loaded.ts';
import type { ConfigChange, ConfigStore, WriteOptions } from '../../../internal/config/ports.ts';
import type { ConfigProblem } from '../../../internal/config/problem.ts';
import { parsePlain } from '../../../internal/management/plain-config.ts';
import { isSame } from '../../../internal/management/values.ts';
import { sha256Hex } from '../../../internal/secret/digest.ts';

export interface ConfigInMemory extends ConfigStore {
  /** What an editor would do: the file changes, the live config does not until a reload. */
  readonly writeBehindItsBack: (text: string) => void;
  readonly fileText: () => string;
}

/** A config store without a disk, for tests of what stands on top of one. */
export function createConfigInMemory(initial: string): ConfigInMemory {
  let file = initial;
  let live = orThrow(load(initial));
  let refusal: { readonly atMs: number; readonly problems: readonly ConfigProblem[] } | undefined;

  const replace = (text: string, options: WriteOptions = {}): Result<ConfigChange, AppError> => {
    if (options.ifMatch !== undefined && options.ifMatch !== sha256Hex(file)) return err(new AppError('precondition_failed'));
    const next = load(text);
    if (!next.ok) return err(new AppError('invalid_config', { fields: { problems: next.error } }));
    if (live.config['api-keys'].length > 0 && next.value.config['api-keys'].length === 0 && options.allowOpen !== true) return err(new AppError('would_open_access'));
    const change = changeOf(live, next.value);
    file = text;
    live = next.value;
    return ok(change);
  };

  return {
    current: () => live,
    reload: () => {
      const next = load(file);
      refusal = next.ok ? undefined : { atMs: 0, problems: next.error };
      if (!next.ok) return Promise.resolve(next);
      const change = changeOf(live, next.value);
      live = next.value;
      return Promise.resolve(ok(change));
    },
    replace: (text, options) => Promise.resolve(replace(text, options)),
    edit: (edits, options) => Promise.resolve(replace(applyEdits(file, edits), options)),
    lastRefusal: () => refusal,
    watch: () => Promise.resolve(),
    close: () => Promise.resolve(),
    writeBehindItsBack: (text) => {
      file = text;
    },
    fileText: () => file,
  };
}

const env = { UPSTREAM_KEY: 'resolved-upstream-key', KEY_OF_TWO: 'resolved-key-of-two', AWS_SECRET_ACCESS_KEY: 'resolved-aws-secret', SECRET: 'http://resolved.example:1' };

function load(text: string): Result<LoadedConfig, readonly ConfigProblem[]> {
  return decodeConfig({ path: '/nowhere/config.yaml', text, env, readSecretFile: () => ok('resolved-file-secret'), home: '/nowhere' });
}

function changeOf(before: LoadedConfig, after: LoadedConfig): ConfigChange {
  const left = plainOf(before);
  const right = plainOf(after);
  const changed = [...new Set([...Object.keys(left), ...Object.keys(right)])].filter((name) => !isSame(left[name], right[name])).sort();
  return { changed, restartRequired: changed.filter((name) => name === 'port'), loaded: after };
}

export function plainOf(loaded: LoadedConfig): Readonly<Record<string, unknown>> {
  const plain = parsePlain(loaded.text);
  if (!plain.ok) throw plain.error;
  return plain.value;
}

function orThrow(result: Result<LoadedConfig, readonly ConfigProblem[]>): LoadedConfig {
  if (result.ok) return result.value;
  throw new TypeError(JSON.stringify(result.error));
}
