import { faults } from '../fault/codes.ts';
import { listOf, renderPage, richText as text, type PageParts } from './page-shell.ts';
import { pageHeaders } from './page-style.ts';
import type { LoginStatus, PageAnswer } from './ports.ts';

type Done = Extract<LoginStatus, { readonly kind: 'done' }>;
type Failed = Extract<LoginStatus, { readonly kind: 'failed' }>;

/** What failed, as a heading. */
const headings: Readonly<Record<string, string>> = {
  invalid_request: 'This address is not complete',
  login_state_unknown: 'This login is not known here',
  login_state_used: 'This login was finished before',
  login_state_expired: 'This login took too long',
  login_provider_mismatch: 'This is another provider’s login',
  login_issuer_mismatch: 'The answer came from somebody else',
  login_denied: 'The provider said no',
  login_failed: 'The login could not be completed',
  login_cancelled: 'The login was cancelled',
  login_not_offered: 'There is no such login',
  auth_file_not_writable: 'The login could not be stored',
  invalid_auth_file: 'The login could not be stored',
  internal_error: 'Something went wrong here',
};

/** The refusal that a status code stands for; 400 where the table has no such code. */
function statusOf(code: string): number {
  return isFaultCode(code) ? faults[code].status : 400;
}

/** Where the table speaks to callers of the API. */
const fixesHere: Readonly<Record<string, string>> = {
  login_state_used: 'If it was you who finished it, all is well: `keyward accounts list` shows the account. Else start a new login.',
  login_denied: 'If that was not meant, start the login again and agree on the provider’s page.',
  login_failed: 'Start the login again. If it fails in the same way, the log of Keyward has more.',
  invalid_request: 'Start the login again, or paste the whole address that the browser was sent to where you started it.',
  internal_error: 'Start the login again. If that fails too, the log has the cause.',
};

function fixOf(code: string): string {
  const here = fixesHere[code];
  if (here !== undefined) return here;
  return isFaultCode(code) ? faults[code].fix : 'Start it again when you are ready.';
}

function isFaultCode(code: string): code is keyof typeof faults {
  return Object.hasOwn(faults, code);
}

/** 303 to the result page, so that neither code nor state stays in the address line, the history or a referrer. */
export function redirectTo(pageId: string): PageAnswer {
  return { status: 303, headers: { ...pageHeaders, location: `/login/${pageId}` }, body: '' };
}

export interface StoredWhere {
  /** The auth directory; `''` where that is not told. */
  readonly directory: string;
  /** The way to log in does not prove who started it (security rule 29). */
  readonly isUnproven: boolean;
}

/** What was stored, for which account, where. */
export function donePage(title: string, done: Done, { directory, isUnproven }: StoredWhere): PageAnswer {
  const rows: readonly (readonly [string, string])[] = [
    ['Account', text(done.label)],
    ['Stored as', `<code>${text(done.fileName)}</code>`],
    ...(directory === '' ? [] : [['In', `<code>${text(directory)}</code>`] as const]),
    ['State', !done.isDisabled ? 'Ready' : isUnproven ? 'Switched off until you confirm it' : 'Switched off'],
  ];
  const close = '<p class="close">You can close this window.</p>';
  if (!done.isDisabled) return page(200, { tone: 'good', title: `${title} is connected`, body: `<p class="lead">Keyward has what it needs, and keeps this login fresh from now on.</p>${listOf(rows)}${close}` });
  const howTo = `run <code>keyward accounts enable ${text(done.fileName)}</code>`;
  if (!isUnproven) return page(200, { tone: 'wait', title: `${title} is connected, and switched off`, body: `<p class="lead">Its tokens are new. It was switched off before, and stays so: to use it, ${howTo}.</p>${listOf(rows)}${close}` });
  const note = `<p class="note"><strong>Was it you?</strong> This provider’s way to log in cannot prove who started it, and the account is new here. If it is yours, ${howTo}. If not, remove it.</p>`;
  return page(200, { tone: 'wait', title: `${title}: one step is left`, body: `<p class="lead">The login is stored, and is not used before you confirm it.</p>${note}${listOf(rows)}${close}` });
}

/** What went wrong, and what to do. `code` is one of the error table's, or `login_cancelled`. */
export function refusalPage({ code, message }: Failed, title?: string): PageAnswer {
  const rows: readonly (readonly [string, string])[] = [
    ...(title === undefined ? [] : [['Provider', text(title)] as const]),
    ['What to do', text(fixOf(code))],
    ['Error code', `<code>${text(code)}</code>`],
  ];
  return page(statusOf(code), { tone: 'bad', title: headings[code] ?? 'The login failed', body: `<p class="lead">${text(message)}</p>${listOf(rows)}<p class="close">${code === 'login_state_used' ? '' : 'Nothing was stored. '}You can close this window.</p>` });
}

/** Asked for while tokens are still being fetched; looks again by itself. */
export function waitingPage(title: string): PageAnswer {
  return page(200, { tone: 'wait', title: `Finishing the login at ${title}`, body: '<p class="lead">Keyward is still talking to the provider. This page looks again by itself.</p>', refreshSeconds: 2 });
}

export function notFoundPage(): PageAnswer {
  return page(404, { tone: 'bad', title: 'There is nothing here', body: '<p class="lead">This address shows how a login ended, for ten minutes. <code>keyward accounts list</code> shows what is stored.</p>' });
}

export function failedPage(): PageAnswer {
  return refusalPage({ kind: 'failed', code: 'internal_error', message: faults.internal_error.message });
}

/** A page of plain texts, for logins other than those at providers; backticks become code. */
export function formatPage(status: number, parts: { readonly tone: 'good' | 'bad' | 'wait'; readonly title: string; readonly lead: string; readonly rows: readonly (readonly [string, string])[]; readonly close: string }): PageAnswer {
  const rows = parts.rows.map(([name, value]) => [text(name), text(value)] as const);
  return page(status, { tone: parts.tone, title: parts.title, body: `<p class="lead">${text(parts.lead)}</p>${rows.length === 0 ? '' : listOf(rows)}<p class="close">${text(parts.close)}</p>` });
}

function page(status: number, parts: PageParts): PageAnswer {
  return { status, headers: pageHeaders, body: renderPage(parts) };
}
