import { listOf } from '../../upstreamauth/page-shell.ts';
import type { PageAnswer } from '../../upstreamauth/ports.ts';
import type { Share } from '../people/person.ts';
import type { Person } from '../../clients/issued/person.ts';
import type { PendingDevice } from '../people/ports.ts';
import { spellUserCode } from '../people/user-codes.ts';
import { codeField, foreign, form, formPage, plainPage, rightsRows, whoLine } from './parts.ts';
import { agoWords, waitWords } from './words.ts';

/** Where the forms go: `/device`, below the path of `public-url`. */
export interface DeviceAddress {
  readonly action: string;
}

export interface EnterPage extends DeviceAddress {
  readonly formToken: string;
  /** From `?user_code=` or as typed before; whatever it is, it is only shown. */
  readonly typed: string;
  readonly problem?: 'malformed' | 'wrong' | undefined;
}

const problems = {
  malformed: 'That is not a code: it has eight letters, such as <code>BCDF-GHJK</code>.',
  wrong: 'No login waits under this code. Check each letter; a code works once, for a few minutes.',
} as const;

/** The first page. Nothing happens before the person sends the code off, however it got into the field. */
export function enterPage({ action, formToken, typed, problem }: EnterPage): PageAnswer {
  const field = codeField({ name: 'user_code', label: 'Code', hint: 'The eight letters that your terminal or device shows now.', value: typed, error: problem === undefined ? undefined : problems[problem], maxLength: 24 });
  const body = [
    '<p class="lead">A program is waiting for you to let it in. Enter the code that it shows.</p>',
    form(action, { step: 'enter', csrf: formToken }, `${field}<div class="buttons"><button class="button go" type="submit">Continue</button></div>`),
    '<div class="note"><p><strong>Did somebody send you this code?</strong> Then stop. A code belongs only on the screen in front of you, from a login that you began.</p></div>',
  ];
  return formPage(problem === undefined ? 200 : 400, { tone: 'ask', title: 'Connect a device', body: body.join('\n') });
}

export interface ConfirmPage extends DeviceAddress {
  readonly decideToken: string;
  readonly signOutToken: string;
  readonly code: string;
  readonly pending: PendingDevice;
  readonly share: Share;
  readonly person: Person;
  readonly nowMs: number;
  /** The code was asked for in another network than the person is in: what phishing looks like, and also a phone beside a server. */
  readonly isFromElsewhere: boolean;
  readonly approverAddress: string;
  readonly isTickMissing?: boolean;
}

/** Who asks for what, from where, and what may be wrong with that. */
export function confirmPage(page: ConfirmPage): PageAnswer {
  const { action, code, pending, share, person, nowMs } = page;
  const rows: readonly (readonly [string, string])[] = [
    ['Code', `<span class="code">${spellUserCode(code)}</span>`],
    ['Application', foreign(pending.clientName)],
    ...(pending.userAgent === undefined || pending.userAgent === '' ? [] : [['Device says', foreign(pending.userAgent)] as const]),
    ['Asked from', `${addressWords(pending.requestedFrom)}, ${agoWords(nowMs - pending.requestedAtMs)}`],
    ...rightsRows(share),
  ];
  const approve = share.given.length === 0 ? '' : '<button class="button go" type="submit" name="decision" value="approve">Approve</button>';
  const buttons = `<div class="buttons">${approve}<button class="button" type="submit" name="decision" value="deny" formnovalidate>Deny</button></div>`;
  const body = [
    `<p class="lead">${foreign(pending.clientName)} wants to use Keyward as you. Compare the code with the one on your device.</p>`,
    listOf(rows),
    warning(page),
    form(action, { step: 'decide', csrf: page.decideToken, user_code: code }, `${page.isFromElsewhere && share.given.length > 0 ? tick(page.isTickMissing === true) : ''}${buttons}`),
    whoLine(person, form(action, { step: 'sign-out', csrf: page.signOutToken }, '<button class="link" type="submit">Not you?</button>')),
  ];
  return formPage(page.isTickMissing === true ? 400 : 200, { tone: 'ask', title: 'Let this device in?', body: body.join('\n') });
}

const startedYourself = 'Only go on if you started this login yourself, just now, on a device you hold. Nobody from support will ever ask you to.';

function warning({ isFromElsewhere, pending, approverAddress }: ConfirmPage): string {
  const elsewhere = `<p><strong>The device is in another network than you.</strong> It asked from ${addressWords(pending.requestedFrom)}; you are at ${addressWords(approverAddress)}. If you cannot say why, deny.</p>`;
  return `<div class="warning" role="note">${isFromElsewhere ? elsewhere : ''}<p><strong>Is it yours?</strong> ${startedYourself}</p></div>`;
}

function tick(isMissing: boolean): string {
  const error = isMissing ? '<p class="error" id="mine-error" role="alert">Tick this to approve, or deny.</p>' : '';
  return `<label class="tick" for="mine"><input type="checkbox" id="mine" name="mine" value="yes" required${isMissing ? ' aria-invalid="true" aria-describedby="mine-error"' : ''}><span>I started this login myself, on a device that I hold.</span></label>${error}`;
}

function addressWords(address: string): string {
  if (address === 'unix' || address === '127.0.0.1' || address === '::1') return 'the machine that Keyward runs on';
  return foreign(address);
}

export function approvedPage(clientName: string): PageAnswer {
  return plainPage(200, { tone: 'good', title: 'The device is in', body: `<p class="lead">${foreign(clientName)} goes on by itself within a few seconds.</p><p class="close">You can close this window. To end the login later: <code>keyward logout</code> on the device, or <code>keyward sessions revoke</code>.</p>` });
}

export function deniedPage(clientName: string): PageAnswer {
  return plainPage(200, { tone: 'bad', title: 'The device stays out', body: `<p class="lead">${foreign(clientName)} was told no. It got nothing.</p><div class="note"><p><strong>Did you not start it?</strong> Then tell whoever runs this Keyward: somebody may have tried to log in as you.</p></div><p class="close">You can close this window.</p>` });
}

/** The person has decided about this code before, on this browser. */
export function decidedBeforePage(how: 'approved' | 'denied'): PageAnswer {
  const lead = how === 'approved' ? 'You have approved this login already; once is enough.' : 'You have denied this login. It got nothing, and its code is used up.';
  return plainPage(409, { tone: how === 'approved' ? 'good' : 'bad', title: 'That code is used', body: `<p class="lead">${lead}</p><p class="close">You can close this window.</p>` });
}

/** It waited when the page was shown, and does not any more. */
export function gonePage({ action }: DeviceAddress): PageAnswer {
  return plainPage(410, { tone: 'bad', title: 'This login waits no more', body: `<p class="lead">Its code was used, denied, or too old by the time you answered. Nothing was given by this page.</p><p>Start the login again on the device, then <a href="${action}">enter its new code</a>.</p><div class="note"><p><strong>Did somebody else use it?</strong> If the device says that it is logged in and it was not you who approved, tell whoever runs this Keyward.</p></div>` });
}

export function expiredPage({ action }: DeviceAddress): PageAnswer {
  return plainPage(410, { tone: 'wait', title: 'This code is too old', body: `<p class="lead">The login was not approved in time. Start it again on the device, then <a href="${action}">enter its new code</a>.</p>` });
}

export function tooManyPage(retryAfterSeconds: number): PageAnswer {
  const answer = plainPage(429, { tone: 'wait', title: 'Too many wrong codes', body: `<p class="lead">So many wrong codes came in that Keyward looks at no more of them for now. Try again in ${waitWords(retryAfterSeconds)}.</p>` });
  return { ...answer, headers: { ...answer.headers, 'retry-after': String(retryAfterSeconds) } };
}
