import type { Clock } from '../../clock/clock.ts';
import type { Logger } from '../../log/logger.ts';
import type { PageAnswer } from '../../upstreamauth/ports.ts';
import type { ApprovalCodes } from './approval-codes.ts';
import { createDeviceFlow } from './device-flow.ts';
import { createLoginFlow } from './login-flow.ts';
import type { SignInRules } from './may-sign-in.ts';
import type { OperatorProvider } from './operator-provider.ts';
import { pageAddresses } from './page-answers.ts';
import { createPageSessions } from './page-session.ts';
import type { BrowserLogins, DeviceApprovals, PageRequest, PeopleHooks, PersonStore } from './ports.ts';
import { createSeals } from './sealed.ts';
import { createSignIn } from './sign-in.ts';
import type { UnusualUse } from './unusual.ts';
import { createUserCodes } from './user-codes.ts';

export type ServePage = (request: PageRequest) => Promise<PageAnswer>;

/** What a person sees of the authorization server. Plain HTML without scripts; nobody here knows HTTP. */
export interface PeoplePages {
  /** `GET /device` */
  readonly device: ServePage;
  /** `POST /device` */
  readonly devicePost: ServePage;
  /** `GET /oauth/signin/callback` */
  readonly signinCallback: ServePage;
  /** `GET /oauth/interaction/:uid` */
  readonly interaction: ServePage;
  /** `POST /oauth/interaction/:uid` */
  readonly interactionPost: ServePage;
}

export interface PeoplePagesDeps {
  readonly clock: Clock;
  readonly log: Logger;
  /** Source of every address and of the cookie's kind (security rule 30). */
  readonly publicUrl: string;
  readonly devices: DeviceApprovals;
  readonly logins: BrowserLogins;
  readonly persons: PersonStore;
  readonly provider: OperatorProvider;
  readonly rules: () => SignInRules;
  readonly approvalCodes: ApprovalCodes;
  readonly unusual: UnusualUse;
  readonly hooks: PeopleHooks;
}

export function createPeoplePages(deps: PeoplePagesDeps): PeoplePages {
  const { clock, hooks } = deps;
  const addresses = pageAddresses(deps.publicUrl);
  const seals = createSeals();
  const sessions = createPageSessions({ clock, seals, isSecure: addresses.publicUrl.startsWith('https://') });
  const signIn = createSignIn({ ...deps, seals, sessions, addresses });
  const device = createDeviceFlow({ ...deps, sessions, addresses, signIn, userCodes: createUserCodes({ clock, devices: deps.devices, hooks }) });
  const login = createLoginFlow({ ...deps, sessions, addresses, signIn });
  return { device: device.get, devicePost: device.post, signinCallback: signIn.callback, interaction: login.get, interactionPost: login.post };
}
