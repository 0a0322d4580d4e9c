import type { PageAnswer } from '../../upstreamauth/ports.ts';
import { backToClientPage, consentPage, noLoginPage } from '../pages/login-consent-pages.ts';
import { badRequestPage, foreignFormPage } from '../pages/sign-in-pages.ts';
import { readMembers, withCookie, type PageAddresses } from './page-answers.ts';
import type { PageSessions, SignedIn, Visit } from './page-session.ts';
import { shareOf } from './person.ts';
import type { BrowserLogins, Decision, PageRequest, PendingLogin, PeopleHooks } from './ports.ts';
import { approvalPurpose, type SignIn } from './sign-in.ts';

export interface LoginFlow {
  readonly get: (request: PageRequest) => Promise<PageAnswer>;
  readonly post: (request: PageRequest) => Promise<PageAnswer>;
}

export interface LoginFlowDeps {
  readonly sessions: PageSessions;
  readonly addresses: PageAddresses;
  readonly logins: BrowserLogins;
  readonly signIn: SignIn;
  readonly hooks: PeopleHooks;
}

interface Sent {
  readonly request: PageRequest;
  readonly visit: Visit;
  readonly members: ReadonlyMap<string, string>;
  readonly uid: string;
  readonly pending: PendingLogin;
}

const signOutPurpose = 'sign out';
const decidePurpose = (uid: string): string => `consent ${uid}`;

/** Consent to a client’s login in this very browser. */
export function createLoginFlow(deps: LoginFlowDeps): LoginFlow {
  const { sessions, addresses, logins, signIn, hooks } = deps;

  const finish = async ({ request, uid, pending }: Sent, { person }: SignedIn, decision: Decision): Promise<PageAnswer> => {
    const event = { actor: person.id, actorLabel: person.label, from: request.peer.address, requestId: request.requestId, target: `client:${pending.clientId}` };
    const finished = await logins.finish(request.node.req, request.node.res, uid, decision);
    if (finished.kind === 'gone') {
      hooks.onEvent({ ...event, action: 'approval.refused', code: 'login_gone' });
      return noLoginPage();
    }
    // The way back to the client goes by the authorization server, which knows its redirect addresses.
    if (!isBelow(finished.location, addresses.publicUrl)) throw new TypeError('a login was to go on outside of the authorization server');
    hooks.onEvent({ ...event, action: decision === 'denied' ? 'approval.denied' : 'approval.given', after: { by: 'browser', ...(decision === 'denied' ? {} : { scopes: decision.scopes }) } });
    return backToClientPage(finished.location, pending.clientName);
  };

  const onDecide = async (sent: Sent): Promise<PageAnswer> => {
    const { request, visit, members, uid, pending } = sent;
    const decision = members.get('decision');
    if (decision !== 'approve' && decision !== 'deny') return badRequestPage(addresses.login(uid));
    if (visit.signedIn === undefined) return signIn.begin(request, visit, { kind: 'login', uid });
    if (decision === 'deny') return finish(sent, visit.signedIn, 'denied');
    const { person } = visit.signedIn;
    const { given } = shareOf(pending.scopes, person);
    return given.length === 0 ? badRequestPage(addresses.login(uid)) : finish(sent, visit.signedIn, { person, scopes: given, from: request.peer.address });
  };

  const step = (sent: Sent): Promise<PageAnswer> | PageAnswer => {
    const { request, visit, members, uid } = sent;
    const isFrom = (purpose: string): boolean => sessions.isFormToken(visit, purpose, members.get('csrf') ?? '');
    switch (members.get('step')) {
      case 'approval':
        return isFrom(approvalPurpose) ? signIn.redeemCode(request, visit, { kind: 'login', uid }, members.get('approval_code') ?? '') : foreignFormPage(addresses.login(uid));
      case 'decide':
        return isFrom(decidePurpose(uid)) ? onDecide(sent) : foreignFormPage(addresses.login(uid));
      case 'sign-out':
        return isFrom(signOutPurpose) ? signIn.begin(request, sessions.signOut(visit), { kind: 'login', uid }, 'login') : foreignFormPage(addresses.login(uid));
      default:
        return badRequestPage(addresses.login(uid));
    }
  };

  const consent = (visit: Visit, { person }: SignedIn, uid: string, pending: PendingLogin): PageAnswer =>
    consentPage({ action: addresses.login(uid), decideToken: sessions.formToken(visit, decidePurpose(uid)), signOutToken: sessions.formToken(visit, signOutPurpose), pending, share: shareOf(pending.scopes, person), person });

  const handle = async (request: PageRequest, serve: (visit: Visit, uid: string, pending: PendingLogin) => Promise<PageAnswer>): Promise<PageAnswer> => {
    const visit = sessions.visit(request.headers['cookie']);
    const uid = request.params['uid'] ?? '';
    const refusal = signIn.refuseRemote(request);
    if (refusal !== undefined) return refusal;
    const pending = /^[\w-]{1,64}$/.test(uid) ? await logins.find(request.node.req, request.node.res, uid) : undefined;
    if (pending === undefined) return noLoginPage();
    const answer = await serve(visit, uid, pending);
    return answer.headers['set-cookie'] === undefined ? withCookie(answer, visit) : answer;
  };

  return {
    get: (request) =>
      handle(request, async (visit, uid, pending) => (visit.signedIn === undefined ? signIn.begin(request, visit, { kind: 'login', uid }) : consent(visit, visit.signedIn, uid, pending))),
    post: (request) =>
      handle(request, async (visit, uid, pending) => {
        const members = readMembers(request.body);
        return members === undefined ? badRequestPage(addresses.login(uid)) : step({ request, visit, members, uid, pending });
      }),
  };
}

function isBelow(location: string, publicUrl: string): boolean {
  const url = URL.parse(location);
  const home = new URL(publicUrl);
  return url !== null && url.origin === home.origin && url.pathname.startsWith(`${home.pathname.replace(/\/+$/, '')}/oauth/`);
}
