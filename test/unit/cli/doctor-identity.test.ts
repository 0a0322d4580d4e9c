import { describe, expect, it } from 'vitest';
import { examineIdentity } from '../../../internal/cli/doctor/identity.ts';
import type { AskIssuer } from '../../../internal/cli/doctor/trusted-issuers.ts';
import { err, ok } from '../../../internal/fault/result.ts';
import { configOf } from '../../support/config.ts';

const cli = { env: {}, version: '0.0.0' };
const provider = { issuer: 'https://id.example.com', 'client-id': 'keyward', 'allowed-domains': ['example.com'] };
const reachable: AskIssuer = () => Promise.resolve(ok(1));
const nobody: AskIssuer = () => Promise.reject(new Error('nobody to ask'));
const examine = async (settings: object, ask: AskIssuer): Promise<readonly string[]> => (await examineIdentity(ask, configOf(settings), cli)).map(({ level, code }) => `${level} ${code}`);

describe('doctor on identity', () => {
  it('has nothing to say while it is off, or all is well', async () => {
    expect(await examine({ identity: { oidc: provider } }, nobody)).toEqual([]);
    expect(await examine({ identity: { enabled: true } }, nobody)).toEqual([]);
    expect(await examine({ identity: { enabled: true, oidc: provider } }, reachable)).toEqual([]);
  });

  it('warns of a provider that cannot be asked, or whose keys fit nothing', async () => {
    expect(await examine({ identity: { enabled: true, oidc: provider } }, () => Promise.resolve(err('it answers with 404')))).toEqual(['warning identity-provider-away']);
    expect(await examine({ identity: { enabled: true, oidc: provider } }, () => Promise.resolve(ok(0)))).toEqual(['warning identity-provider-away']);
  });

  it('warns of an address that others cannot use', async () => {
    expect(await examine({ host: '0.0.0.0', 'api-keys': ['sk-0123456789abcdef'], identity: { enabled: true } }, nobody)).toEqual(['warning identity-address']);
    expect(await examine({ host: '0.0.0.0', 'public-url': 'https://keyward.example.com', identity: { enabled: true } }, nobody)).toEqual([]);
  });

  it('tells of logins that cannot be asked about again, and of rules that let anybody in', async () => {
    expect(await examine({ identity: { enabled: true, oidc: { ...provider, scopes: ['openid'], 'allowed-domains': [] } } }, reachable)).toEqual(['info identity-short-logins', 'info identity-anybody']);
  });
});
