import { listOf } from '../../upstreamauth/page-shell.ts';
import type { PageAnswer } from '../../upstreamauth/ports.ts';
import type { Share } from '../people/person.ts';
import type { Person } from '../../clients/issued/person.ts';
import type { PendingLogin } from '../people/ports.ts';
import { foreign, form, formPage, plainPage, rightsRows, whoLine } from './parts.ts';
import { goOnPage } from './sign-in-pages.ts';

export interface ConsentPage {
  readonly action: string;
  readonly decideToken: string;
  readonly signOutToken: string;
  readonly pending: PendingLogin;
  readonly share: Share;
  readonly person: Person;
}

/** A client asks for a login in this browser. */
export function consentPage({ action, decideToken, signOutToken, pending, share, person }: ConsentPage): PageAnswer {
  const isHere = /^(?:localhost|127\.\d+\.\d+\.\d+|\[::1\])(?::\d+)?$/.test(pending.redirectHost);
  const rows: readonly (readonly [string, string])[] = [
    ['Application', foreign(pending.clientName)],
    ['Goes back to', isHere ? `A program on this computer (<code>${foreign(pending.redirectHost, 100)}</code>)` : `<code>${foreign(pending.redirectHost, 100)}</code>`],
    ...rightsRows(share),
  ];
  const approve = share.given.length === 0 ? '' : '<button class="button go" type="submit" name="decision" value="approve">Approve</button>';
  const body = [
    `<p class="lead">${foreign(pending.clientName)} wants to use Keyward as you.</p>`,
    listOf(rows),
    '<div class="warning" role="note"><p><strong>Is it yours?</strong> Only go on if you started this login yourself, just now, on a device you hold. Nobody from support will ever ask you to.</p></div>',
    form(action, { step: 'decide', csrf: decideToken }, `<div class="buttons">${approve}<button class="button" type="submit" name="decision" value="deny">Deny</button></div>`),
    whoLine(person, form(action, { step: 'sign-out', csrf: signOutToken }, '<button class="link" type="submit">Not you?</button>')),
  ];
  return formPage(200, { tone: 'ask', title: 'Let this application in?', body: body.join('\n') });
}

export function backToClientPage(location: string, clientName: string): PageAnswer {
  return goOnPage(location, { title: 'Going back', lead: `You are being sent back to ${foreign(clientName)}.`, button: 'Go on' });
}

/** The login is unknown, over, or was begun in another browser. */
export function noLoginPage(): PageAnswer {
  return plainPage(410, { tone: 'bad', title: 'This login waits no more', body: '<p class="lead">It was finished, took too long, or was begun in another browser. Start it again where you began.</p><p class="close">You can close this window.</p>' });
}

/** A program sent the browser with a request that cannot be answered, and that leads back to nobody. */
export function badLoginPage(status: number, error: string, description: string): PageAnswer {
  return plainPage(status, { tone: 'bad', title: 'This login cannot begin', body: `<p class="lead">The program that sent you here asked for it in a way that Keyward does not take. You have done nothing wrong, and nothing was given.</p>${listOf([['It was told', `<code>${foreign(error, 64)}</code> ${foreign(description)}`]])}<p class="close">Start the login again in the program. If that does not help, tell whoever made it.</p>` });
}
