import { maxKeyBytes } from '../clients/verify.ts';
import { indexStaticKeys, type StaticKeys } from '../clients/static-keys.ts';
import type { LoadedConfig } from '../config/loaded.ts';
import type { Config } from '../config/schema.ts';
import type { ConfigProblem } from '../config/problem.ts';
import { err, ok, type Result } from '../fault/result.ts';
import { Secret } from '../secret/secret.ts';
import { isLoopbackBind } from './bind.ts';
import { readManagementSecret, type ManagementSecret } from './management-secret.ts';
import { decodeTrustedProxies, type TrustedProxies } from './trusted-proxies.ts';
import { decodeWebRules, type WebRules } from './web-origins.ts';

/** All that both doors derive from one config. Immutable; a reload makes a new one. */
export interface DoorRules {
  readonly staticKeys: StaticKeys;
  /** No client credential is configured and none is required: local callers pass without one. */
  readonly isOpen: boolean;
  /** In open mode remote callers pass too (`insecure-open-access`). */
  readonly opensToRemote: boolean;
  /** False: upgrades pass without a credential from local callers (security rule 8). */
  readonly upgradesNeedKey: boolean;
  readonly opensUpgradesToRemote: boolean;
  readonly management: ManagementRules;
  readonly trustedProxies: TrustedProxies;
  readonly web: WebRules;
  /** Local callers see /metrics without the management secret. */
  readonly isMetricsOpen: boolean;
}

export interface ManagementRules {
  readonly secret: ManagementSecret | undefined;
  /** `--password`: from local peers only, enough on its own. */
  readonly localPassword: Secret | undefined;
  readonly allowsRemote: boolean;
}

/** What the process adds to the file. */
export interface DoorProcess {
  readonly managementPassword?: string | undefined;
  readonly localPassword?: string | undefined;
  /** `--host`; wins over the file. */
  readonly host?: string | undefined;
  /** The `client-auth` latch of the data directory: credentials other than static keys exist (security rule 2). */
  readonly isClientAuthLatched?: boolean | undefined;
}

const sampleClientKeys: ReadonlySet<string> = new Set(['your-api-key-1', 'your-api-key-2', 'your-api-key-3']);

/**
 * Decides, from config and process alone, who may come in. `error` refuses the config (exit 2 at start); `warnings` are
 * logged at every start and reload. Pure but for hashing the keys.
 */
export function buildDoorRules(loaded: LoadedConfig, process: DoorProcess): Result<{ readonly rules: DoorRules; readonly warnings: readonly ConfigProblem[] }, readonly ConfigProblem[]> {
  const { config } = loaded;
  const host = process.host ?? config.host;
  const isLoopback = isLoopbackBind(host);
  const staticKeys = indexStaticKeys(config['api-keys'].filter(isUsable));
  const isRequired = config['client-auth'] === 'required' || issuesOrTrusts(config) || process.isClientAuthLatched === true;
  const isOpen = staticKeys.count === 0 && !isRequired;
  const remote = config['remote-management'];
  const management = readManagementSecret(
    { fromEnvironment: process.managementPassword, fromFile: remote['secret-key'] },
    { allowsRemote: remote['allow-remote'], hasTls: config.tls.enable, allowsPlaintext: config['insecure-plaintext-management'] },
  );
  const localPassword = (process.localPassword ?? '').trim();
  const proxies = decodeTrustedProxies(config['trusted-proxies']);
  const web = decodeWebRules({ publicUrl: config['public-url'], allowedHosts: config['allowed-hosts'], allowedOrigins: config['allowed-origins'] });

  const problems = [
    ...checkKeys(config['api-keys'], isLoopback),
    ...(isOpen ? checkOpenMode(loaded, host, isLoopback) : []),
    ...checkUpgrades(loaded, isOpen),
    ...checkSharedSecret(staticKeys, management.secret),
    ...management.problems,
    ...proxies.problems,
    ...web.problems,
    ...(config['allowed-origins'].length > 0 && isOpen && (web.rules.allowsAnyOrigin || web.rules.allowsNullOrigin)
      ? [warning('allowed-origins', '`*` and `null` have no effect while no client key is required')]
      : []),
  ];
  const errors = problems.filter((problem) => problem.severity === 'error');
  if (errors.length > 0) return err(errors);
  return ok({
    rules: {
      staticKeys,
      isOpen,
      opensToRemote: config['insecure-open-access'],
      upgradesNeedKey: config['ws-auth'],
      opensUpgradesToRemote: config['insecure-open-websocket'],
      management: {
        secret: management.secret,
        localPassword: localPassword === '' ? undefined : new Secret(localPassword),
        allowsRemote: remote['allow-remote'],
      },
      trustedProxies: proxies.proxies,
      web: web.rules,
      isMetricsOpen: config['metrics-open'],
    },
    warnings: problems.filter((problem) => problem.severity === 'warning'),
  });
}

/** Tokens of people, machines or workloads count (security rule 2). */
export function issuesOrTrusts({ identity }: Config): boolean {
  return identity.enabled || identity['trusted-issuers'].length > 0;
}

/**
 * A hot reload never opens a door that was closed, unless the file says so in as many words (`api-keys: []`) and the bind is
 * loopback (security rule 2). The caller refuses the reload with these problems.
 */
export function refuseSilentOpening(previous: DoorRules | undefined, next: DoorRules, loaded: LoadedConfig, process: DoorProcess): readonly ConfigProblem[] {
  if (previous === undefined || previous.isOpen || !next.isOpen) return [];
  if (loaded.apiKeysExplicitlyEmpty && isLoopbackBind(process.host ?? loaded.config.host)) return [];
  return [error('api-keys', 'are gone, which would let every caller in: put a key back, or write `api-keys: []` (loopback binds only) or restart if that is meant')];
}

function isUsable(key: Secret): boolean {
  const value = key.reveal().trim();
  return value !== '' && Buffer.byteLength(value) <= maxKeyBytes;
}

function checkKeys(keys: readonly Secret[], isLoopback: boolean): readonly ConfigProblem[] {
  const problems = keys.flatMap((key, index): readonly ConfigProblem[] => {
    const path = `api-keys.${index}`;
    const value = key.reveal();
    if (value.trim() === '') return [warning(path, 'is blank and lets nobody in')];
    if (!isUsable(key)) return [error(path, `is longer than ${maxKeyBytes} bytes: no request can present it`)];
    if (!sampleClientKeys.has(value)) return [];
    return isLoopback
      ? [warning(path, 'is a published sample key that everyone knows: replace it (`keyward keys generate`) before others can reach this port')]
      : [error(path, 'is a published sample key and the bind is not loopback: replace it (`keyward keys generate`)')];
  });
  return keys.length > 0 && !keys.some(isUsable) ? [...problems, error('api-keys', 'lists no usable key: add one, or write `api-keys: []` for open mode')] : problems;
}

function checkOpenMode(loaded: LoadedConfig, host: string, isLoopback: boolean): readonly ConfigProblem[] {
  if (isLoopback) return [warning('api-keys', 'are not configured: every program on this machine may call without a key')];
  return loaded.config['insecure-open-access']
    ? [warning('insecure-open-access', 'lets everyone who reaches this port call without a key')]
    : [error('api-keys', `are not configured and the bind "${host}" is not loopback: add a key (\`keyward keys generate\`), bind 127.0.0.1, or set \`insecure-open-access: true\``)];
}

function checkUpgrades(loaded: LoadedConfig, isOpen: boolean): readonly ConfigProblem[] {
  const { config } = loaded;
  if (config['ws-auth'] || isOpen) return [];
  return config['insecure-open-websocket']
    ? [warning('insecure-open-websocket', 'lets everyone who reaches this port open WebSockets without a key')]
    : [warning('ws-auth', 'is off: every program on this machine may open WebSockets without a key')];
}

function checkSharedSecret(keys: StaticKeys, secret: ManagementSecret | undefined): readonly ConfigProblem[] {
  if (secret?.kind !== 'plain' || keys.find(secret.secret.reveal()) === undefined) return [];
  return [warning('remote-management.secret-key', 'is also a client key: every client can manage this daemon; use different values')];
}

function error(path: string, message: string): ConfigProblem {
  return { severity: 'error', path, message };
}

function warning(path: string, message: string): ConfigProblem {
  return { severity: 'warning', path, message };
}
