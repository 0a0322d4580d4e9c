import type { Clock } from '../../clock/clock.ts';
import type { PageAnswer } from '../../upstreamauth/ports.ts';
import { approvedPage, confirmPage, decidedBeforePage, deniedPage, enterPage, expiredPage, gonePage, tooManyPage } from '../pages/device-pages.ts';
import { badRequestPage, foreignFormPage } from '../pages/sign-in-pages.ts';
import { readMembers, seeOther, withCookie, type PageAddresses } from './page-answers.ts';
import { noteDecided, type PageSessions, type SignedIn, type Visit } from './page-session.ts';
import { shareOf } from './person.ts';
import type { DeviceApprovals, PageRequest, PendingDevice, PeopleHooks } from './ports.ts';
import { approvalPurpose, type SignIn } from './sign-in.ts';
import { isSameNetwork, type Actor, type UnusualUse } from './unusual.ts';
import { spellUserCode, type Looked, type UserCodes } from './user-codes.ts';

export interface DeviceFlow {
  readonly get: (request: PageRequest) => Promise<PageAnswer>;
  readonly post: (request: PageRequest) => Promise<PageAnswer>;
}

export interface DeviceFlowDeps {
  readonly clock: Clock;
  readonly sessions: PageSessions;
  readonly addresses: PageAddresses;
  readonly devices: DeviceApprovals;
  readonly userCodes: UserCodes;
  readonly signIn: SignIn;
  readonly unusual: UnusualUse;
  readonly hooks: PeopleHooks;
}

/** A form that was sent with a token of this browser. */
interface Sent {
  readonly request: PageRequest;
  readonly visit: Visit;
  readonly members: ReadonlyMap<string, string>;
}

const enterPurpose = 'enter';
const signOutPurpose = 'sign out';
const decidePurpose = (code: string): string => `decide ${code}`;

/**
 * The page of RFC 8628 §3.3. A code is looked up only for somebody who has signed in, so strangers cannot try any; and it is
 * approved only by the form that showed what it is for.
 */
export function createDeviceFlow(deps: DeviceFlowDeps): DeviceFlow {
  const { clock, sessions, addresses, devices, userCodes, signIn, unusual, hooks } = deps;
  const action = addresses.device;

  const enter = (visit: Visit, typed: string, problem?: 'malformed' | 'wrong'): PageAnswer => enterPage({ action, formToken: sessions.formToken(visit, enterPurpose), typed, problem });

  const actorOf = ({ person }: SignedIn, { peer, requestId }: PageRequest, clientId: string): Actor => ({ actor: person.id, actorLabel: person.label, from: peer.address, requestId, target: clientId === '' ? 'device' : `client:${clientId}` });

  /** What to say of a code that is not there to be decided about. */
  const refuse = (request: PageRequest, visit: Visit, signedIn: SignedIn, typed: string, looked: Exclude<Looked, { readonly kind: 'found' }>): PageAnswer => {
    signedIn.enteredCode = undefined;
    if (looked.kind === 'malformed') return enter(visit, typed, 'malformed');
    hooks.onEvent({ ...actorOf(signedIn, request, ''), action: 'approval.refused', code: `user_code_${looked.kind}` });
    if (looked.kind === 'limited') return tooManyPage(looked.retryAfterSeconds);
    return looked.kind === 'expired' ? expiredPage({ action }) : enter(visit, spellUserCode(typed), 'wrong');
  };

  const confirm = (request: PageRequest, visit: Visit, { person }: SignedIn, code: string, pending: PendingDevice, isTickMissing: boolean): PageAnswer =>
    confirmPage({
      action,
      decideToken: sessions.formToken(visit, decidePurpose(code)),
      signOutToken: sessions.formToken(visit, signOutPurpose),
      code,
      pending,
      share: shareOf(pending.scopes, person),
      person,
      nowMs: clock.nowMs(),
      isFromElsewhere: !isSameNetwork(pending.requestedFrom, request.peer.address),
      approverAddress: request.peer.address,
      isTickMissing,
    });

  const showEntered = async (request: PageRequest, visit: Visit, signedIn: SignedIn, code: string): Promise<PageAnswer> => {
    const decided = signedIn.decided.get(code);
    if (decided !== undefined) return decidedBeforePage(decided);
    const looked = await userCodes.look(code, request.peer, signedIn.person);
    if (looked.kind !== 'found') return refuse(request, visit, signedIn, code, looked);
    unusual.codeEntered(looked.code, actorOf(signedIn, request, looked.pending.clientId));
    return confirm(request, visit, signedIn, looked.code, looked.pending, false);
  };

  const onEnter = async ({ request, visit, members }: Sent): Promise<PageAnswer> => {
    const typed = members.get('user_code') ?? '';
    const code = userCodes.read(typed);
    if (code === undefined) return enter(visit, typed, 'malformed');
    if (visit.signedIn === undefined) return signIn.begin(request, visit, { kind: 'device', userCode: code });
    visit.signedIn.enteredCode = code;
    return seeOther(action);
  };

  const settle = async (request: PageRequest, signedIn: SignedIn, code: string, pending: PendingDevice, isApproval: boolean): Promise<PageAnswer> => {
    const { given } = shareOf(pending.scopes, signedIn.person);
    const isElsewhere = !isSameNetwork(pending.requestedFrom, request.peer.address);
    const settled = isApproval ? await devices.approve(code, signedIn.person, given) : await devices.deny(code);
    signedIn.enteredCode = undefined;
    const actor = actorOf(signedIn, request, pending.clientId);
    if (settled === 'gone') {
      hooks.onEvent({ ...actor, action: 'approval.refused', code: 'user_code_gone' });
      return gonePage({ action });
    }
    noteDecided(signedIn, code, isApproval ? 'approved' : 'denied');
    hooks.onEvent({ ...actor, action: isApproval ? 'approval.given' : 'approval.denied', after: { by: 'device', requested_from: pending.requestedFrom, ...(isApproval ? { scopes: given } : {}) } });
    if (isApproval && isElsewhere) unusual.approvedFromElsewhere(actor);
    return isApproval ? approvedPage(pending.clientName) : deniedPage(pending.clientName);
  };

  const onDecide = async ({ request, visit, members }: Sent, code: string): Promise<PageAnswer> => {
    const { signedIn } = visit;
    const decision = members.get('decision');
    if (decision !== 'approve' && decision !== 'deny') return badRequestPage(action);
    // Signed in too long ago: once more, and then the page again.
    if (signedIn === undefined) return signIn.begin(request, visit, { kind: 'device', userCode: code });
    const decided = signedIn.decided.get(code);
    if (decided !== undefined) return decidedBeforePage(decided);
    const looked = await userCodes.look(code, request.peer, signedIn.person);
    if (looked.kind === 'wrong') {
      // It was right when the form was made.
      signedIn.enteredCode = undefined;
      return gonePage({ action });
    }
    if (looked.kind !== 'found') return refuse(request, visit, signedIn, code, looked);
    const { pending } = looked;
    if (decision === 'deny') return settle(request, signedIn, code, pending, false);
    if (shareOf(pending.scopes, signedIn.person).given.length === 0) return badRequestPage(action);
    const needsTick = !isSameNetwork(pending.requestedFrom, request.peer.address);
    if (needsTick && members.get('mine') !== 'yes') return confirm(request, visit, signedIn, code, pending, true);
    return settle(request, signedIn, code, pending, true);
  };

  /** Whoever sits here now signs in, and the provider asks who that is. */
  const onSignOut = async ({ request, visit }: Sent): Promise<PageAnswer> => {
    const userCode = visit.signedIn?.enteredCode ?? '';
    const left = sessions.signOut(visit);
    return userCode === '' ? withCookie(seeOther(action), left) : signIn.begin(request, left, { kind: 'device', userCode }, 'login');
  };

  const step = (sent: Sent): Promise<PageAnswer> | PageAnswer => {
    const { request, visit, members } = sent;
    const isFrom = (purpose: string): boolean => sessions.isFormToken(visit, purpose, members.get('csrf') ?? '');
    const code = userCodes.read(members.get('user_code') ?? '') ?? '';
    switch (members.get('step')) {
      case 'enter':
        return isFrom(enterPurpose) ? onEnter(sent) : foreignFormPage(action);
      case 'approval':
        return isFrom(approvalPurpose) ? signIn.redeemCode(request, visit, { kind: 'device', userCode: code }, members.get('approval_code') ?? '') : foreignFormPage(action);
      case 'decide':
        return code !== '' && isFrom(decidePurpose(code)) ? onDecide(sent, code) : foreignFormPage(action);
      case 'sign-out':
        return isFrom(signOutPurpose) ? onSignOut(sent) : foreignFormPage(action);
      default:
        return badRequestPage(action);
    }
  };

  return {
    get: async (request) => {
      const visit = sessions.visit(request.headers['cookie']);
      const refusal = signIn.refuseRemote(request);
      if (refusal !== undefined) return refusal;
      const members = readMembers(request.query);
      if (members === undefined) return badRequestPage(action);
      const prefilled = members.get('user_code');
      const { signedIn } = visit;
      const entered = prefilled === undefined ? signedIn?.enteredCode : undefined;
      if (signedIn !== undefined && entered !== undefined) return withCookie(await showEntered(request, visit, signedIn, entered), visit);
      return withCookie(enter(visit, prefilled ?? ''), visit);
    },
    post: async (request) => {
      const visit = sessions.visit(request.headers['cookie']);
      const refusal = signIn.refuseRemote(request);
      if (refusal !== undefined) return refusal;
      const members = readMembers(request.body);
      if (members === undefined) return badRequestPage(action);
      const answer = await step({ request, visit, members });
      return answer.headers['set-cookie'] === undefined ? withCookie(answer, visit) : answer;
    },
  };
}
