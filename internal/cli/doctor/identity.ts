import type { Config } from '../../config/schema.ts';
import { escapeForeign } from '../../log/escape.ts';
import { bindAddresses } from '../../http/bind.ts';
import { isLoopbackAddress } from '../../http/ip-address.ts';
import type { CliProcess } from '../process-env.ts';
import type { Finding } from './report.ts';
import type { AskIssuer } from './trusted-issuers.ts';

const usual: readonly ['RS256', 'PS256', 'ES256', 'EdDSA'] = ['RS256', 'PS256', 'ES256', 'EdDSA'];

/** Whether people could sign in now, and whether what is issued names an address that others can reach. Asks the operator's provider for its keys. */
export async function examineIdentity(ask: AskIssuer, config: Config, cli: Pick<CliProcess, 'env' | 'version'>): Promise<readonly Finding[]> {
  const { identity } = config;
  if (!identity.enabled) return [];
  return [...checkAddress(config), ...checkRules(config), ...(identity.oidc.issuer === '' ? [] : await checkProvider(ask, config, cli))];
}

function checkAddress(config: Config): readonly Finding[] {
  if (config['public-url'] !== '' || bindAddresses(config.host).every(({ host }) => isLoopbackAddress(host))) return [];
  return [warning('identity-address', `Others can reach this daemon, and what it issues names localhost: \`public-url\` is empty.`, 'Set `public-url` to the https address by which people and machines reach it, and restart.')];
}

function checkRules({ identity: { oidc } }: Config): readonly Finding[] {
  if (oidc.issuer === '') return [];
  const findings: Finding[] = [];
  if (!oidc.scopes.includes('offline_access') && !/^https:\/\/accounts\.google\.com$/.test(oidc.issuer)) findings.push({ level: 'info', code: 'identity-short-logins', message: 'Logins last as long as one access token: without `offline_access` in `identity.oidc.scopes` the provider cannot be asked about people again.', fix: 'Add `offline_access`, and allow it at the provider.' });
  if (oidc['allowed-domains'].length + oidc['allowed-emails'].length === 0 && Object.keys(oidc['group-scopes']).length === 0) findings.push({ level: 'info', code: 'identity-anybody', message: 'Whoever the identity provider lets in may use Keyward.', fix: 'Right for a directory of your own. Else set `allowed-domains`, `allowed-emails` or `group-scopes` below `identity.oidc`.' });
  return findings;
}

async function checkProvider(ask: AskIssuer, config: Config, cli: Pick<CliProcess, 'env' | 'version'>): Promise<readonly Finding[]> {
  const { issuer } = config.identity.oidc;
  const answer = await ask({ issuer, audience: '', 'jwks-url': '', algorithms: [...usual], subjects: [], claims: {}, 'max-age': 0, scopes: [], models: [], organization: '' }, config, cli);
  if (answer.ok && answer.value > 0) return [];
  const why = answer.ok ? `has no key for ${usual.join(', ')}` : answer.error;
  return [warning('identity-provider-away', `The identity provider ${escapeForeign(issuer, 256)}: ${why}. Nobody can sign in, and no login is refreshed meanwhile.`, 'Compare `identity.oidc.issuer` with the `issuer` of its metadata; a private certificate authority goes into NODE_EXTRA_CA_CERTS.')];
}

function warning(code: string, message: string, fix: string): Finding {
  return { level: 'warning', code, message, fix };
}
