import { dirname, join } from 'node:path';
import { createKeyring, type EncryptionMode, type Keyring } from '../../accounts/auth-file/keyring.ts';
import { createTextSeal } from '../../accounts/auth-file/sealing.ts';
import type { AuthDirectoryDeps } from '../../accounts/directory/open-auth-directory.ts';
import { systemClock } from '../../clock/clock.ts';
import type { LoadedConfig } from '../../config/loaded.ts';
import { formatProblem } from '../../config/problem.ts';
import { expandPath } from '../../config/secret-reference.ts';
import { createDispatchers } from '../../egress/dispatchers.ts';
import { err, ok, type Result } from '../../fault/result.ts';
import { silentLogger } from '../../log/logger.ts';
import { resolveLoginProfiles, type LoginProfiles } from '../../providers/logins/resolve.ts';
import { createLedgers, type Ledgers } from '../../tokens/ledger.ts';
import type { GrantsDeps } from '../../upstreamauth/grants.ts';
import { describeMissingConfig, findConfig } from '../config-path.ts';
import type { CliProcess } from '../process-env.ts';
import { readConfigFile } from '../read-config.ts';
import type { StoreRefusal } from './account-store.ts';

/** What a command works with when no daemon runs: the config, and what the daemon would build of it. */
export interface LocalParts {
  readonly loaded: LoadedConfig;
  readonly profiles: LoginProfiles;
  readonly directoryDeps: AuthDirectoryDeps;
}

/** Reads the config that `--config` or the environment names; never the working directory's. */
export function readLocalParts(cli: CliProcess, configFlag: string | undefined): Result<LocalParts, StoreRefusal> {
  const found = findConfig(cli, configFlag, false);
  if (!found.ok) return err({ code: 'config_missing', message: found.error });
  const place = found.value;
  if (!place.exists) return err({ code: 'config_missing', message: describeMissingConfig(cli, place) });
  const read = readConfigFile(cli, place.path);
  if (!read.ok) return err({ code: 'invalid_config', message: read.error.map((problem) => formatProblem(place.path, problem)).join('\n') });
  const loaded = read.value;
  const profiles = resolveLoginProfiles(loaded.config);
  return ok({
    loaded,
    profiles,
    directoryDeps: {
      path: loaded.authDir,
      clock: systemClock,
      log: silentLogger,
      uid: cli.uid,
      ofFileType: profiles.ofFileType,
      keyring: openKeyring(cli, loaded, loaded.config['auth-dir-encryption']),
    },
  });
}

/** The keys of the auth directory where `mode` has them. */
export function openKeyring(cli: CliProcess, loaded: LoadedConfig, mode: EncryptionMode): Keyring {
  const named = loaded.config['auth-dir-key-file'];
  return createKeyring({
    mode,
    envKeys: cli.env['KEYWARD_AUTH_DIR_KEY'],
    keyFile: named === '' ? join(loaded.dataDir, 'auth-dir.key') : expandPath(named, dirname(loaded.path), cli.home),
    uid: cli.uid,
  });
}

/** What is remembered of the logins beside their files. */
export function openLedgers({ directoryDeps: { path, clock, log, keyring } }: LocalParts): Ledgers {
  const seal = createTextSeal(keyring);
  return createLedgers({ folder: join(path, '.keyward'), clock, log, ...(seal === undefined ? {} : { seal }) });
}

/** The way out to the vendors, by the config's proxies and timeouts; its dispatchers are the caller's to close. */
export function openVendors(cli: CliProcess, { loaded, directoryDeps }: LocalParts): GrantsDeps {
  const { env } = cli;
  const dispatchers = createDispatchers({
    environment: { httpProxy: env['HTTP_PROXY'] ?? env['http_proxy'], httpsProxy: env['HTTPS_PROXY'] ?? env['https_proxy'], noProxy: env['NO_PROXY'] ?? env['no_proxy'] },
    connectTimeoutMs: () => loaded.config['upstream-connect-timeout'],
  });
  return { clock: directoryDeps.clock, log: directoryDeps.log, dispatchers, userAgent: `keyward/${cli.version}`, proxyUrl: () => loaded.config['proxy-url'] };
}
