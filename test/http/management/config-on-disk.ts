import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Clock } from '../../../internal/clock/clock.ts';
import type { LoadedConfig } from '../../../internal/config/loaded.ts';
import type { ConfigStore } from '../../../internal/config/ports.ts';
import { createConfigStore } from '../../../internal/config/store.ts';
import { ok } from '../../../internal/fault/result.ts';

/** The real config store over a file in a folder of its own. */
export interface ConfigOnDisk {
  readonly path: string;
  /** Resolves once the file is live. */
  readonly opened: Promise<ConfigStore>;
  /** The live state; after the first request or `opened`. */
  readonly current: () => LoadedConfig;
  /** What an editor would do: the file changes, the live config does not until a reload. */
  readonly writeBehindItsBack: (text: string) => Promise<void>;
  readonly fileText: () => string;
}

const env = { UPSTREAM_KEY: 'resolved-upstream-key', KEY_OF_TWO: 'resolved-key-of-two', AWS_SECRET_ACCESS_KEY: 'resolved-aws-secret', SECRET: 'http://resolved.example:1' };

/** To be called inside a test, which removes the folder when it is over. */
export function createConfigOnDisk(text: string, clock: Clock): ConfigOnDisk {
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'keyward-management-'));
  const path = join(folder, 'config.yaml');
  writeFileSync(path, text, { mode: 0o600 });
  let store: ConfigStore | undefined;
  const open = async (): Promise<ConfigStore> => {
    const opened = await createConfigStore({ path, env, home: folder, clock, prepare: () => ok({ commit: () => undefined, warnings: [] }), readSecretFile: () => ok('resolved-file-secret') });
    if (!opened.ok) throw new TypeError(JSON.stringify(opened.error));
    store = opened.value;
    return store;
  };
  const opened = open();
  onTestFinished(async () => {
    await (await opened).close();
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    path,
    opened,
    current: () => {
      if (store === undefined) throw new TypeError('the config is not open yet');
      return store.current();
    },
    writeBehindItsBack: async (next) => {
      await opened;
      writeFileSync(path, next);
    },
    fileText: () => readFileSync(path, 'utf8'),
  };
}
