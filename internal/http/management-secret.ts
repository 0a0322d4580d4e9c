import type { ConfigProblem } from '../config/problem.ts';
import { Secret } from '../secret/secret.ts';

/** The management secret as it is kept: plain text, or a bcrypt hash. */
export type ManagementSecret = { readonly kind: 'plain'; readonly secret: Secret } | { readonly kind: 'bcrypt'; readonly hash: Secret };

export interface SecretSources {
  /** `MANAGEMENT_PASSWORD`; blank is unset. */
  readonly fromEnvironment: string | undefined;
  /** `remote-management.secret-key`. */
  readonly fromFile: Secret | undefined;
}

export interface SecretUse {
  readonly allowsRemote: boolean;
  readonly hasTls: boolean;
  readonly allowsPlaintext: boolean;
}

/** Values printed in documentation, of this program or of the Go one. */
const publishedSamples: ReadonlySet<string> = new Set([
  'your-secure-management-key',
  'your-management-secret',
  'your-management-key',
  'your-management-password',
  'your-secure-password',
  'your-secret-key-here',
  'management-secret-key',
]);

const shortestRemoteSecret = 16;
const bcryptPattern = /^\$2[aby]\$(\d{2})\$[./A-Za-z0-9]{53}$/;
const slowBcryptCost = 14;

/**
 * Decides on the one management secret: the environment's, else the file's (contract §5). A value that begins `$2` is only
 * ever a hash. What is wrong with it for its use comes as problems (security rule 7).
 */
export function readManagementSecret(sources: SecretSources, use: SecretUse): { readonly secret: ManagementSecret | undefined; readonly problems: readonly ConfigProblem[] } {
  const fromEnvironment = (sources.fromEnvironment ?? '').trim();
  const value = fromEnvironment === '' ? (sources.fromFile?.reveal() ?? '') : fromEnvironment;
  if (value === '') return { secret: undefined, problems: [] };
  const problems: ConfigProblem[] = [];
  // Problems of the environment have no place in the file.
  const report = (severity: ConfigProblem['severity'], message: string): void =>
    void problems.push(fromEnvironment === '' ? { severity, path: 'remote-management.secret-key', message } : { severity, path: '', message: `MANAGEMENT_PASSWORD ${message}` });

  const isHash = value.startsWith('$2');
  if (isHash) checkHash(value, report);
  else if (use.allowsRemote) checkRemotePlain(value, report);
  if (use.allowsRemote && !use.hasTls && !use.allowsPlaintext) {
    problems.push({ severity: 'error', path: 'remote-management.allow-remote', message: 'sends the management secret over plain HTTP: set `tls`, or `insecure-plaintext-management: true` where something in front encrypts' });
  }
  return { secret: isHash ? { kind: 'bcrypt', hash: new Secret(value) } : { kind: 'plain', secret: new Secret(value) }, problems };
}

type Report = (severity: ConfigProblem['severity'], message: string) => void;

function checkHash(value: string, report: Report): void {
  const cost = Number(bcryptPattern.exec(value)?.[1] ?? Number.NaN);
  if (Number.isNaN(cost) || cost < 4 || cost > 31) report('error', 'begins with `$2` but is no bcrypt hash ($2a$, $2b$ or $2y$, cost 04–31, 60 characters): correct the hash, or choose a plain secret that begins otherwise');
  else if (cost > slowBcryptCost) report('warning', `is a bcrypt hash of cost ${cost}: each first check takes seconds; ${slowBcryptCost} or less is plenty`);
}

function checkRemotePlain(value: string, report: Report): void {
  if (publishedSamples.has(value)) report('error', 'is a published sample and `remote-management.allow-remote` is on: choose a random one (`openssl rand -hex 32`)');
  else if (value.length < shortestRemoteSecret) report('error', `has fewer than ${shortestRemoteSecret} characters and \`remote-management.allow-remote\` is on: choose a random one (\`openssl rand -hex 32\`)`);
}
