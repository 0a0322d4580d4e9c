import type { Clock } from '../../clock/clock.ts';
import type { Logger } from '../../log/logger.ts';
import { isRecord, textOf } from '../../upstreamauth/json-record.ts';
import type { PageAnswer } from '../../upstreamauth/ports.ts';
import { approvalCodePage, badRequestPage, failedSignInPage, goSignInPage, notHerePage, refusedPage } from '../pages/sign-in-pages.ts';
import type { ApprovalCodes } from './approval-codes.ts';
import { judgeSignIn, type SignInRules } from './may-sign-in.ts';
import type { OperatorProvider, Prompt, ProviderFault, SignInSecrets, Vouched } from './operator-provider.ts';
import { readMembers, seeOther, withCookie, type PageAddresses } from './page-answers.ts';
import type { PageSessions, Visit } from './page-session.ts';
import { localPerson, personId } from '../../clients/issued/person.ts';
import { personFrom } from './person.ts';
import type { Person } from '../../clients/issued/person.ts';
import type { PageRequest, PeopleEvent, PeopleHooks, PersonStore } from './ports.ts';
import type { Seals } from './sealed.ts';

/** What somebody signs in for: an answer always leads back to one of these, never to an address. */
export type Purpose = { readonly kind: 'device'; readonly userCode: string } | { readonly kind: 'login'; readonly uid: string };

export interface SignIn {
  /** Where approvals are only for this machine and the request is not from it: the page that says so. */
  readonly refuseRemote: (request: PageRequest) => PageAnswer | undefined;
  /** The way to the provider, or the question for an approval code. */
  readonly begin: (request: PageRequest, visit: Visit, purpose: Purpose, prompt?: Prompt) => Promise<PageAnswer>;
  /** An approval code was typed in answer to `begin`; the form's token is judged already. */
  readonly redeemCode: (request: PageRequest, visit: Visit, purpose: Purpose, typed: string) => Promise<PageAnswer>;
  /** The browser comes back from the provider. */
  readonly callback: (request: PageRequest) => Promise<PageAnswer>;
}

export interface SignInDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly seals: Seals;
  readonly sessions: PageSessions;
  readonly addresses: PageAddresses;
  readonly provider: OperatorProvider;
  readonly approvalCodes: ApprovalCodes;
  readonly persons: PersonStore;
  readonly rules: () => SignInRules;
  readonly hooks: PeopleHooks;
}

/** What the form with the approval code is for. */
export const approvalPurpose = 'approval code';

const stateLifeMs = 10 * 60_000;

/** A state that is ours, of this browser, and not too old. */
interface OpenState {
  readonly purpose: Purpose;
  readonly isSecondTry: boolean;
}

export function createSignIn(deps: SignInDeps): SignIn {
  const { clock, seals, sessions, addresses, provider, persons, hooks } = deps;

  /** The state says all; nonce and verifier follow from it, and only here. */
  const secretsOf = (state: string): SignInSecrets => ({ state, nonce: seals.sign('nonce', state), codeVerifier: seals.sign('pkce', state) });

  const sealState = (visit: Visit, purpose: Purpose, isSecondTry: boolean): string => {
    const [kind, to] = purpose.kind === 'device' ? ['device', purpose.userCode] : ['login', purpose.uid];
    return seals.seal({ kind, to, by: visit.id, untilMs: clock.nowMs() + stateLifeMs, again: isSecondTry });
  };

  const openState = (state: string, visit: Visit): OpenState | undefined => {
    const sealed = seals.open(state);
    if (!isRecord(sealed) || sealed['by'] !== visit.id) return undefined;
    const { untilMs } = sealed;
    if (typeof untilMs !== 'number' || untilMs <= clock.nowMs()) return undefined;
    const to = textOf(sealed, 'to') ?? '';
    const isSecondTry = sealed['again'] === true;
    return { isSecondTry, purpose: sealed['kind'] === 'login' ? { kind: 'login', uid: to } : { kind: 'device', userCode: to } };
  };

  const tell = (request: PageRequest, action: PeopleEvent['action'], person: Pick<Person, 'id' | 'label'> | undefined, code?: string): void =>
    hooks.onEvent({ action, actor: person?.id ?? 'anonymous', actorLabel: person?.label, from: request.peer.address, requestId: request.requestId, target: provider.host() === undefined ? 'keyward approve' : provider.issuer(), code });

  /** Signs in under a new id and goes on with what it was for. */
  const enter = (request: PageRequest, visit: Visit, person: Person, purpose: Purpose): PageAnswer => {
    const entered = sessions.signIn(visit, person, purpose.kind === 'device' && purpose.userCode !== '' ? purpose.userCode : undefined);
    tell(request, 'person.entered', person);
    return withCookie(seeOther(purpose.kind === 'device' ? addresses.device : addresses.login(purpose.uid)), entered);
  };

  const fail = (request: PageRequest, visit: Visit, fault: ProviderFault): PageAnswer => {
    deps.log.warn({ requestId: request.requestId, code: fault.code, detail: fault.detail }, 'a sign-in at the identity provider failed');
    tell(request, 'person.refused', undefined, `sign_in_${fault.code}`);
    return withCookie(failedSignInPage(fault.code, addresses.device), visit);
  };

  const refuseRemote = ({ peer }: PageRequest): PageAnswer | undefined => (provider.host() === undefined && !peer.isLocal ? notHerePage() : undefined);

  const settle = async (request: PageRequest, visit: Visit, { purpose, isSecondTry }: OpenState, { identity, refreshToken }: Vouched): Promise<PageAnswer> => {
    const standing = judgeSignIn(deps.rules(), identity);
    const known = await persons.find(personId(identity.issuer, identity.subject));
    if (!standing.ok) {
      tell(request, 'person.refused', { id: personId(identity.issuer, identity.subject), label: identity.email ?? identity.name ?? identity.subject }, standing.error);
      const other = await provider.authorizationUrl(secretsOf(sealState(visit, purpose, false)), 'login');
      return withCookie(refusedPage({ refusal: standing.error, identity, otherUrl: other.ok ? other.value : undefined, host: provider.host() ?? '' }), visit);
    }
    // Many providers give a refresh token only once, or only after a consent; asked for it by itself, most people never see one.
    const token = refreshToken ?? known?.providerRefreshToken;
    if (token === undefined && provider.wantsOffline() && !isSecondTry) {
      const again = await provider.authorizationUrl(secretsOf(sealState(visit, purpose, true)), 'consent');
      if (again.ok) return withCookie(seeOther(again.value), visit);
    }
    const person = personFrom(identity, standing.value, token, clock.nowMs());
    await persons.save(person);
    return enter(request, visit, person, purpose);
  };

  return {
    refuseRemote,
    begin: async (request, visit, purpose, prompt) => {
      const host = provider.host();
      if (host === undefined) {
        const hidden = { step: 'approval', csrf: sessions.formToken(visit, approvalPurpose), ...(purpose.kind === 'device' ? { user_code: purpose.userCode } : {}) };
        return withCookie(refuseRemote(request) ?? approvalCodePage({ action: actionOf(addresses, purpose), hidden }), visit);
      }
      const url = await provider.authorizationUrl(secretsOf(sealState(visit, purpose, false)), prompt);
      return url.ok ? withCookie(goSignInPage(url.value, host), visit) : fail(request, visit, url.error);
    },
    redeemCode: async (request, visit, purpose, typed) => {
      const redeemed = provider.host() === undefined ? deps.approvalCodes.redeem(typed, request.peer) : undefined;
      if (redeemed === undefined) return withCookie(badRequestPage(addresses.device), visit);
      if (!redeemed.ok) {
        tell(request, 'approval.refused', undefined, `approval_code_${redeemed.error.kind}`);
        if (redeemed.error.kind === 'remote') return withCookie(notHerePage(), visit);
        const hidden = { step: 'approval', csrf: sessions.formToken(visit, approvalPurpose), ...(purpose.kind === 'device' ? { user_code: purpose.userCode } : {}) };
        return withCookie(approvalCodePage({ action: actionOf(addresses, purpose), hidden, refusal: redeemed.error }), visit);
      }
      const person = localPerson(redeemed.value, clock.nowMs());
      await persons.save(person);
      return enter(request, visit, person, purpose);
    },
    callback: async (request) => {
      const visit = sessions.visit(request.headers['cookie']);
      const members = readMembers(request.query);
      if (members === undefined) return withCookie(badRequestPage(addresses.device), visit);
      const state = members.get('state') ?? '';
      const opened = provider.host() === undefined ? undefined : openState(state, visit);
      if (opened === undefined) return withCookie(failedSignInPage('not_begun', addresses.device), visit);
      const vouched = await provider.redeem(request.query, secretsOf(state));
      return vouched.ok ? settle(request, visit, opened, vouched.value) : fail(request, visit, vouched.error);
    },
  };
}

function actionOf(addresses: PageAddresses, purpose: Purpose): string {
  return purpose.kind === 'device' ? addresses.device : addresses.login(purpose.uid);
}
