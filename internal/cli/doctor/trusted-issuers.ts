import type { Config } from '../../config/schema.ts';
import type { Result } from '../../fault/result.ts';
import { escapeForeign } from '../../log/escape.ts';
import type { CliProcess } from '../process-env.ts';
import type { Finding } from './report.ts';

type TrustedIssuerEntry = Config['identity']['trusted-issuers'][number];

/**
 * Asks the issuer of an entry for its keys, once. How many of them fit an algorithm of the entry; or what is wrong, one clause.
 * The command line lies below what reads tokens, so it is handed in.
 */
export type AskIssuer = (entry: TrustedIssuerEntry, config: Config, cli: Pick<CliProcess, 'env' | 'version'>) => Promise<Result<number, string>>;

/** Whether workloads of each trusted issuer could come in now. Entries that share keys are asked for once. */
export async function examineTrustedIssuers(ask: AskIssuer, config: Config, cli: Pick<CliProcess, 'env' | 'version'>): Promise<readonly Finding[]> {
  const entries = config.identity['trusted-issuers'];
  const distinct = [...new Map(entries.map((entry) => [JSON.stringify([entry.issuer, entry.algorithms]), entry])).values()];
  const found = await Promise.all(distinct.map(async (entry) => checkAnswer(entry, await ask(entry, config, cli))));
  return [...found.flat(), ...[...new Set(entries.map(({ issuer }) => issuer))].flatMap(checkScheme)];
}

function checkAnswer({ issuer, algorithms }: TrustedIssuerEntry, answer: Result<number, string>): readonly Finding[] {
  const who = `Trusted issuer ${escapeForeign(issuer, 256)}`;
  if (!answer.ok) return [warning('issuer-no-keys', `${who}: ${answer.error}.`, 'Until that is put right its tokens are answered with 503. If this machine cannot reach the issuer’s metadata, set `jwks-url`; a private certificate authority goes into NODE_EXTRA_CA_CERTS.')];
  if (answer.value > 0) return [];
  return [warning('issuer-keys-unfit', `${who} has no key for ${algorithms.join(', ')}: none of its tokens can count.`, 'Set `algorithms` of the entry to those that the issuer signs with.')];
}

function checkScheme(issuer: string): readonly Finding[] {
  if (!issuer.startsWith('http:')) return [];
  return [{ level: 'info', code: 'issuer-on-this-machine', message: `Trusted issuer ${escapeForeign(issuer, 256)} is asked for its keys over plain http: whoever can take its port on this machine can come in as anybody.`, fix: 'Use https for anything but a trial.' }];
}

function warning(code: string, message: string, fix: string): Finding {
  return { level: 'warning', code, message, fix };
}
