import { dirname, join } from 'node:path';
import { createKeyring, type EncryptionMode } from '../accounts/auth-file/keyring.ts';
import { createTextSeal } from '../accounts/auth-file/sealing.ts';
import { openAuthDirectory, type OpenAuthDirectory } from '../accounts/directory/open-auth-directory.ts';
import type { Clock } from '../clock/clock.ts';
import type { LoadedConfig } from '../config/loaded.ts';
import { expandPath } from '../config/secret-reference.ts';
import type { Logger } from '../log/logger.ts';
import { createTokenKeeper, type KeeperDeps } from '../tokens/keeper.ts';
import { createLedgers } from '../tokens/ledger.ts';
import type { LoginState, TokenGrants, TokenKeeper } from '../tokens/ports.ts';
import type { Login } from '../providers/login.ts';
import { createProblemLog } from './account-problems.ts';
import type { Live } from './live.ts';

export interface UpstreamAccountsDeps {
  readonly live: Live;
  readonly clock: Clock;
  readonly log: Logger;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path that `~` stands for. */
  readonly home: string;
  readonly uid: number | undefined;
  readonly grants: TokenGrants;
  readonly onState: (login: Login, state: LoginState, before: LoginState) => void;
  readonly onRefreshed: NonNullable<KeeperDeps['onRefreshed']>;
}

/** The auth directory with its keeper, following the config's `auth-dir` while the daemon runs. */
export interface UpstreamAccounts {
  readonly directory: () => OpenAuthDirectory['directory'];
  readonly writer: () => OpenAuthDirectory['accountWriter'];
  /** Always the keeper of the present directory. */
  readonly keeper: Pick<TokenKeeper, 'acquire' | 'renew' | 'stateOf' | 'retry' | 'hold'>;
  /** Starts following the directory and refreshing ahead. */
  readonly start: () => Promise<void>;
  readonly close: () => Promise<void>;
}

/** How long another daemon's refresh is waited for, a slow token endpoint included. */
const lockPatienceMs = 40_000;

interface Opened {
  readonly path: string;
  readonly open: OpenAuthDirectory;
  readonly keeper: TokenKeeper;
  /** Makes its files the live ones, now and whenever they change. */
  readonly install: () => void;
  readonly close: () => Promise<void>;
}

/** Opens the directory and scans it once: when it resolves, the accounts of its files are live. */
export async function openUpstreamAccounts(deps: UpstreamAccountsDeps): Promise<UpstreamAccounts> {
  const { live, log } = deps;
  const encryption = live.snapshot().loaded.config['auth-dir-encryption'];
  let isStarted = false;
  let isClosed = false;
  let current = await openAt(deps, live.snapshot().loaded, encryption);
  let moving: Promise<void> = Promise.resolve();

  /** Another `auth-dir`: the new one is read before the old one is let go. */
  const follow = async (): Promise<void> => {
    const { loaded } = live.snapshot();
    if (isClosed) return;
    if (loaded.authDir === current.path) {
      // Another config may know other types of files.
      await current.open.directory.rescan();
      return;
    }
    const next = await openAt(deps, loaded, encryption);
    const before = current;
    current = next;
    next.install();
    if (isStarted) await startAt(current);
    await before.close();
    log.info({ path: current.path }, 'the auth directory was changed');
  };
  const tellProblems = createProblemLog(log);
  live.onCommit((snapshot, cause) => {
    tellProblems(snapshot.accountProblems);
    current.keeper.setLogins(snapshot.logins);
    if (cause !== 'config') return;
    if (snapshot.loaded.config['auth-dir-encryption'] !== encryption) log.warn('auth-dir-encryption takes effect after a restart');
    moving = moving.then(follow).catch((err: unknown) => log.error({ err }, 'the auth directory cannot be opened; the one before stays in use'));
  });
  current.install();

  return {
    directory: () => current.open.directory,
    writer: () => current.open.accountWriter,
    keeper: {
      acquire: (loginKey, signal) => current.keeper.acquire(loginKey, signal),
      renew: (loginKey, refused, signal) => current.keeper.renew(loginKey, refused, signal),
      stateOf: (loginKey) => current.keeper.stateOf(loginKey),
      retry: (loginKey) => current.keeper.retry(loginKey),
      hold: (loginKey, work) => current.keeper.hold(loginKey, work),
    },
    start: async () => {
      isStarted = true;
      await startAt(current);
    },
    close: async () => {
      isClosed = true;
      await moving;
      await current.close();
    },
  };
}

async function startAt({ open, keeper }: Opened): Promise<void> {
  await open.directory.watch();
  keeper.start();
}

async function openAt(deps: UpstreamAccountsDeps, loaded: LoadedConfig, mode: EncryptionMode): Promise<Opened> {
  const { live, clock, log } = deps;
  const keyring = createKeyring({ mode, envKeys: deps.env['KEYWARD_AUTH_DIR_KEY'], keyFile: keyFileOf(loaded, deps.home), uid: deps.uid });
  const open = await openAuthDirectory({ path: loaded.authDir, clock, log, uid: deps.uid, ofFileType: (type) => live.snapshot().profiles.ofFileType(type), keyring });
  const seal = createTextSeal(keyring);
  const filesByName = (): ReadonlyMap<string, ReturnType<typeof open.directory.files>[number]> => new Map(open.directory.files().map((file) => [file.name, file]));
  let byName = filesByName();
  const keeper = createTokenKeeper({
    clock,
    log,
    ledgers: createLedgers({ folder: join(loaded.authDir, '.keyward'), clock, log, ...(seal === undefined ? {} : { seal }) }),
    writer: open.tokenWriter,
    grants: deps.grants,
    lockPatienceMs,
    fileNamed: (name) => byName.get(name),
    onRefreshed: deps.onRefreshed,
  });
  keeper.onState(deps.onState);
  let stopListening = (): void => undefined;
  const takeFiles = (): void => {
    byName = filesByName();
    live.setFiles(open.directory.files());
  };
  return {
    path: loaded.authDir,
    open,
    keeper,
    install: () => {
      stopListening = open.directory.onChange(takeFiles);
      takeFiles();
    },
    close: async () => {
      stopListening();
      await open.directory.close();
      await keeper.close();
    },
  };
}

/** Where the keys of `auth-dir-encryption: file` are. */
export function keyFileOf(loaded: LoadedConfig, home: string): string {
  const written = loaded.config['auth-dir-key-file'];
  return written === '' ? join(loaded.dataDir, 'auth-dir.key') : expandPath(written, dirname(loaded.path), home);
}
