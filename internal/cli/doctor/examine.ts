import { isLatched } from '../../http/client-auth-latch.ts';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { OpenAuditArchive } from '../../audit/archive.ts';
import type { ReadManagedKeys } from '../../clients/managed-keys/archive.ts';
import { systemClock } from '../../clock/clock.ts';
import type { LoadedConfig } from '../../config/loaded.ts';
import { formatProblem, type ConfigProblem } from '../../config/problem.ts';
import { expandPath } from '../../config/secret-reference.ts';
import { bindAddresses } from '../../http/bind.ts';
import type { ConfigPlace } from '../config-path.ts';
import { askDaemon, controlSocketPath } from '../control.ts';
import type { CliProcess } from '../process-env.ts';
import { examineAccounts } from './accounts.ts';
import { examineAudit } from './audit.ts';
import { checkFiles } from './files.ts';
import { examineManagedKeys } from './managed-keys.ts';
import { probePort } from './port.ts';
import type { DoctorReport, Finding, PortState } from './report.ts';
import { listSecrets } from './secrets.ts';
import { examineIdentity } from './identity.ts';
import { examineTrustedIssuers, type AskIssuer } from './trusted-issuers.ts';
import { checkUpstreams, listUpstreams } from './upstreams.ts';
import { findTrackedSecrets, type SecretFile } from './version-control.ts';

/** A report where there is no valid config to look into. */
export function reportUnread(cli: CliProcess, place: ConfigPlace, findings: readonly Finding[]): DoctorReport {
  return {
    version: cli.version,
    node: cli.nodeVersion,
    config: { path: place.path, found_by: place.source, exists: place.exists, valid: false },
    paths: null,
    listen: null,
    clients: null,
    management: null,
    secrets: [],
    upstreams: [],
    accounts: [],
    findings,
  };
}

/** A report on a valid config: `doorProblems` are what the doors would say of it at start. */
export async function examineConfig(cli: CliProcess, place: ConfigPlace, loaded: LoadedConfig, doorProblems: readonly ConfigProblem[], readKeys: ReadManagedKeys, askIssuer: AskIssuer, openAudit?: OpenAuditArchive): Promise<DoctorReport> {
  const { config } = loaded;
  const addresses = bindAddresses(config.host).map((bind) => bind.host);
  const controlSocket = controlSocketPath(loaded.dataDir);
  const [state, running, issuerFindings, identityFindings] = await Promise.all([probePort(config.host, config.port, config.tls.enable), askDaemon(controlSocket, '/v0/management/status'), examineTrustedIssuers(askIssuer, config, cli), examineIdentity(askIssuer, config, cli)]);
  const upstreams = listUpstreams(config);
  const { accounts, findings: accountFindings } = await examineAccounts(cli, loaded, running.ok ? running.value : undefined);
  const management = describeManagement(cli, loaded);
  return {
    version: cli.version,
    node: cli.nodeVersion,
    config: { path: place.path, found_by: place.source, exists: true, valid: true },
    paths: { data_dir: loaded.dataDir, auth_dir: loaded.authDir, control_socket: controlSocket },
    listen: { addresses, port: config.port, tls: config.tls.enable, state },
    clients: { keys: config['api-keys'].length, open_mode: config['api-keys'].length === 0 && config['client-auth'] === 'auto' && !config.identity.enabled && !isLatched(loaded.dataDir) },
    management,
    secrets: listSecrets(loaded),
    upstreams,
    accounts,
    findings: [
      ...[...loaded.warnings, ...doorProblems].map((problem) => describeProblem(place.path, problem)),
      ...loaded.ignoredKeys.map(describeIgnoredKey),
      ...checkPort(addresses, config.port, state, running.ok),
      ...checkTls(cli, loaded),
      ...checkFiles({ configPath: place.path, dataDir: loaded.dataDir, authDir: loaded.authDir, uid: cli.uid }),
      ...examineManagedKeys(readKeys, loaded.dataDir, systemClock.nowMs()),
      ...issuerFindings,
      ...identityFindings,
      ...(openAudit === undefined ? [] : examineAudit(openAudit, loaded.dataDir, cli.uid)),
      ...accountFindings,
      ...findTrackedSecrets(secretFiles(place.path, loaded, accounts)),
      ...checkUpstreams(upstreams, accounts.length > 0 || Object.values(config.oauth).some(({ grant }) => grant === 'client-credentials')),
      ...(management.enabled ? [] : [{ level: 'info', code: 'management-off', message: 'No management secret is set: every path below /v0/management answers 404.', fix: 'Set `remote-management.secret-key` or MANAGEMENT_PASSWORD to use it.' } as const]),
    ],
  };
}

/** Where secrets stand in plain text. */
function secretFiles(configPath: string, loaded: LoadedConfig, accounts: DoctorReport['accounts']): readonly SecretFile[] {
  const origins = [...loaded.secretOrigins.values()];
  return [
    ...(origins.some(({ kind }) => kind === 'plain') ? [{ path: configPath, holds: 'secrets' }] : []),
    ...origins.flatMap((origin) => (origin.kind === 'file' ? [{ path: origin.path, holds: 'a secret' }] : [])),
    { path: join(dirname(configPath), '.env'), holds: 'settings of the environment' },
    ...accounts.filter(({ sealed }) => !sealed).map(({ file }) => ({ path: join(loaded.authDir, file), holds: 'the tokens of an account' })),
    ...['audit.key', 'auth-dir.key', 'identity.key'].map((name) => ({ path: join(loaded.dataDir, name), holds: 'a key' })),
  ];
}

/** A problem of the file as a finding; its message already says what to do. */
export function describeProblem(path: string, problem: ConfigProblem): Finding {
  return { level: problem.severity, code: problem.severity === 'error' ? 'config-invalid' : 'config-warning', message: formatProblem(path, problem), fix: '' };
}

function describeIgnoredKey(key: string): Finding {
  return { level: 'info', code: 'config-ignored-key', message: `config: ignored key '${key}'`, fix: 'Keyward does not use it; leave it, or check its spelling against docs/configuration.md.' };
}

function describeManagement(cli: CliProcess, loaded: LoadedConfig): { readonly enabled: boolean; readonly secret: string; readonly remote: boolean; readonly listen: string } {
  const section = loaded.config['remote-management'];
  const hasEnvironment = (cli.env['MANAGEMENT_PASSWORD'] ?? '').trim() !== '';
  const inFile = section['secret-key']?.reveal() ?? '';
  const secret = hasEnvironment ? 'MANAGEMENT_PASSWORD' : inFile === '' ? 'none' : inFile.startsWith('$2') ? 'config (bcrypt hash)' : 'config';
  return { enabled: secret !== 'none', secret, remote: section['allow-remote'], listen: section.listen };
}

function checkPort(addresses: readonly string[], port: number, state: PortState, isOurs: boolean): readonly Finding[] {
  const where = `${addresses.join(' and ')} port ${port}`;
  switch (state.kind) {
    case 'free':
      return [{ level: 'info', code: 'port-free', message: `Nothing listens on ${where}; no daemon is running with this config.`, fix: 'Start one with `keyward serve`.' }];
    case 'keyward':
      return isOurs
        ? [{ level: 'info', code: 'port-keyward', message: `Keyward ${state.version} runs there with this data-dir.`, fix: '' }]
        : [{ level: 'warning', code: 'port-other-keyward', message: `Keyward ${state.version} listens on ${where}, but not with this config’s data-dir.`, fix: 'Stop that one, or give this config another `port`.' }];
    case 'other':
      return [{ level: 'error', code: 'port-taken', message: `Another program listens on ${where}.`, fix: 'Stop it, or change `port`.' }];
    case 'refused':
      return [{ level: 'error', code: 'port-refused', message: `The system does not let this user listen: ${state.reason}.`, fix: 'Change `host` to an address of this machine and `port` to 1024 or above.' }];
  }
}

function checkTls(cli: CliProcess, loaded: LoadedConfig): readonly Finding[] {
  const { tls } = loaded.config;
  if (!tls.enable) return [];
  return (['cert', 'key'] as const).flatMap((member): readonly Finding[] => {
    const path = expandPath(tls[member], dirname(loaded.path), cli.home);
    return existsSync(path) ? [] : [{ level: 'error', code: `tls-${member}-missing`, message: `tls.${member} names ${path}, which is not there.`, fix: `Put a PEM file there, or correct \`tls.${member}\`.` }];
  });
}
