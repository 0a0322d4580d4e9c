import type { Clock } from '../../clock/clock.ts';
import type { Config } from '../../config/schema.ts';
import type { Logger } from '../../log/logger.ts';
import type { OAuthHttp } from '../../upstreamauth/oauth-http.ts';
import { createApprovalCodes, type ApprovalCodes } from './approval-codes.ts';
import { createAskAgain, type AskedAgain } from './ask-again.ts';
import type { SignInRules } from './may-sign-in.ts';
import { createOperatorProvider } from './operator-provider.ts';
import { createPeoplePages, type PeoplePages } from './people-pages.ts';
import type { Person } from '../../clients/issued/person.ts';
import type { BrowserLogins, DeviceApprovals, PeopleHooks, PersonStore } from './ports.ts';
import { createProviderClients } from './provider-client.ts';
import { createUnusualUse, type UnusualUse } from './unusual.ts';

export type OidcSettings = Config['identity']['oidc'];

/** The people's side of the authorization server. */
export interface People {
  readonly pages: PeoplePages;
  /** For `keyward approve`. */
  readonly approvalCodes: ApprovalCodes;
  /** At each refresh of a person's tokens (security rule 35). */
  readonly askAgain: (person: Person) => Promise<AskedAgain>;
  /** The core tells of each device code it gives out. */
  readonly unusual: UnusualUse;
}

export interface PeopleDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** The way to the provider, by the daemon's dispatchers. */
  readonly http: OAuthHttp;
  readonly publicUrl: string;
  /** Read at each use. */
  readonly oidc: () => OidcSettings;
  readonly devices: DeviceApprovals;
  readonly logins: BrowserLogins;
  readonly persons: PersonStore;
  readonly hooks: PeopleHooks;
}

export function createPeople(deps: PeopleDeps): People {
  const { clock, hooks, persons, oidc } = deps;
  const rules = (): SignInRules => {
    const settings = oidc();
    return { allowedDomains: settings['allowed-domains'], allowedEmails: settings['allowed-emails'], groupScopes: settings['group-scopes'] };
  };
  const provider = createOperatorProvider({
    clients: createProviderClients({ clock, http: deps.http }),
    settings: () => {
      const settings = oidc();
      return { issuer: settings.issuer, clientId: settings['client-id'], clientSecret: settings['client-secret'], scopes: settings.scopes, groupsClaim: settings['groups-claim'] };
    },
    needed: () => {
      const { allowedDomains, allowedEmails, groupScopes } = rules();
      return { email: allowedDomains.length + allowedEmails.length > 0, groups: Object.keys(groupScopes).length > 0 };
    },
    redirectUri: `${deps.publicUrl.replace(/\/+$/, '')}/oauth/signin/callback`,
  });
  const approvalCodes = createApprovalCodes({ clock, hooks });
  const unusual = createUnusualUse({ clock, hooks });
  return {
    approvalCodes,
    unusual,
    askAgain: createAskAgain({ clock, provider, persons, rules, hooks }),
    pages: createPeoplePages({ ...deps, provider, rules, approvalCodes, unusual }),
  };
}
