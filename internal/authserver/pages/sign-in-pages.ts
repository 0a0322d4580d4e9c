import { escapeText } from '../../upstreamauth/page-shell.ts';
import type { PageAnswer } from '../../upstreamauth/ports.ts';
import type { ApprovalRefusal } from '../people/approval-codes.ts';
import type { Identity, SignInRefusal } from '../people/may-sign-in.ts';
import { codeField, foreign, form, formPage, plainPage } from './parts.ts';
import { refusalWords, waitWords } from './words.ts';

/** Sends the browser on by itself: a redirect in answer to a form would be held to the form's policy, which names no other site. */
export function goOnPage(url: string, what: { readonly title: string; readonly lead: string; readonly button: string }): PageAnswer {
  const body = `<p class="lead">${what.lead}</p><div class="buttons"><a class="button go" href="${escapeText(url, 8_000)}" rel="noreferrer">${what.button}</a></div>`;
  return plainPage(200, { tone: 'wait', title: what.title, body, refreshSeconds: 0, goTo: url });
}

export function goSignInPage(url: string, host: string): PageAnswer {
  return goOnPage(url, { title: 'Sign in to go on', lead: `You are being sent to ${foreign(host)} to sign in, and come back here after that.`, button: `Sign in at ${foreign(host)}` });
}

export interface ApprovalPage {
  readonly action: string;
  readonly hidden: Readonly<Record<string, string>>;
  readonly refusal?: ApprovalRefusal | undefined;
}

/** Without an identity provider: a code from the terminal of whoever runs Keyward, instead of the management secret. */
export function approvalCodePage({ action, hidden, refusal }: ApprovalPage): PageAnswer {
  const limited = refusal?.kind === 'limited' ? `Too many wrong codes. Try again in ${waitWords(refusal.retryAfterSeconds)}.` : undefined;
  const error = refusal?.kind === 'wrong' ? 'That is no approval code that counts. Each works once, for five minutes.' : limited;
  const field = codeField({ name: 'approval_code', label: 'Approval code', hint: 'Run <code>keyward approve</code> on this machine, as the user that Keyward runs as. It prints one.', value: '', error, maxLength: 24 });
  const body = [
    '<p class="lead">Only whoever runs this Keyward can let others in.</p>',
    form(action, hidden, `${field}<div class="buttons"><button class="button go" type="submit">Continue</button></div>`),
    '<div class="note"><p><strong>Never type the management secret here</strong>, and pass no approval code on to anybody.</p></div>',
  ];
  const answer = formPage(refusal === undefined ? 200 : limited === undefined ? 400 : 429, { tone: 'ask', title: 'Who approves?', body: body.join('\n') });
  return refusal?.kind === 'limited' ? { ...answer, headers: { ...answer.headers, 'retry-after': String(refusal.retryAfterSeconds) } } : answer;
}

/** Approval codes count only on the machine itself (security rule 1). */
export function notHerePage(): PageAnswer {
  return plainPage(403, { tone: 'bad', title: 'Not from another machine', body: '<p class="lead">This Keyward has no identity provider, so logins are approved on the machine that it runs on, and not through a proxy.</p><p>Open this page in a browser there. For approvals from elsewhere, its operator sets up <code>identity.oidc</code>.</p>' });
}

export interface RefusedPage {
  readonly refusal: SignInRefusal;
  readonly identity: Identity;
  /** At the provider, which asks anew who is there; undefined where it is away. */
  readonly otherUrl: string | undefined;
  readonly host: string;
}

export function refusedPage({ refusal, identity, otherUrl, host }: RefusedPage): PageAnswer {
  const who = identity.email ?? identity.name ?? identity.subject;
  const body = [
    `<p class="lead">${refusalWords[refusal]} You are known as ${foreign(who, 100)} at ${foreign(host)}.</p>`,
    '<p>If you have another account there, use that. Else ask whoever runs this Keyward.</p>',
    otherUrl === undefined ? '' : `<div class="buttons"><a class="button" href="${escapeText(otherUrl, 8_000)}" rel="noreferrer">Sign in as somebody else</a></div>`,
    `<p class="close">Error code <code>${refusal}</code></p>`,
  ];
  return plainPage(403, { tone: 'bad', title: 'You may not sign in here', body: body.join('\n') });
}

export type SignInFailure = 'unavailable' | 'denied' | 'invalid' | 'not_begun';

const failures: Readonly<Record<SignInFailure, { readonly status: number; readonly title: string; readonly lead: string }>> = {
  unavailable: { status: 503, title: 'The identity provider cannot be reached', lead: 'Keyward could not ask it about you, so nobody is let in. Try again in a minute.' },
  denied: { status: 403, title: 'You did not sign in', lead: 'The identity provider says that the sign-in was called off.' },
  invalid: { status: 400, title: 'The sign-in could not be completed', lead: 'What came back from the identity provider is no answer to what Keyward had asked. Its log has more.' },
  not_begun: { status: 400, title: 'No sign-in is under way in this browser', lead: 'It was begun in another browser or under another address of this Keyward, took longer than ten minutes, or was finished before.' },
};

export function failedSignInPage(failure: SignInFailure, startUrl: string): PageAnswer {
  const { status, title, lead } = failures[failure];
  const answer = plainPage(status, { tone: status === 503 ? 'wait' : 'bad', title, body: `<p class="lead">${lead}</p><p><a href="${escapeText(startUrl)}">Start again</a></p>` });
  return status === 503 ? { ...answer, headers: { ...answer.headers, 'retry-after': '30' } } : answer;
}

/** A form that this browser was not given for this, or long ago (security rule 35). */
export function foreignFormPage(startUrl: string): PageAnswer {
  return plainPage(403, { tone: 'bad', title: 'This form does not count', body: `<p class="lead">It is older than your sign-in, from another browser, or was not made by Keyward. Nothing was done.</p><p><a href="${escapeText(startUrl)}">Start again</a></p>` });
}

/** A request that no page of ours makes. */
export function badRequestPage(startUrl: string): PageAnswer {
  return plainPage(400, { tone: 'bad', title: 'This request is not complete', body: `<p class="lead">Something in it is missing, or there twice.</p><p><a href="${escapeText(startUrl)}">Start again</a></p>` });
}
