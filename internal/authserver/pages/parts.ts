import type { Scope } from '../../clients/grant.ts';
import { escapeText, renderPage, type PageParts } from '../../upstreamauth/page-shell.ts';
import type { PageAnswer } from '../../upstreamauth/ports.ts';
import type { Person } from '../../clients/issued/person.ts';
import type { Share } from '../people/person.ts';
import { formHeaders, formStyle, plainHeaders } from './page-style.ts';
import { isManaging, scopeWords } from './words.ts';

export function plainPage(status: number, parts: PageParts): PageAnswer {
  return { status, headers: plainHeaders, body: renderPage({ ...parts, style: formStyle }) };
}

export function formPage(status: number, parts: PageParts): PageAnswer {
  return { status, headers: formHeaders, body: renderPage({ ...parts, style: formStyle }) };
}

/** Foreign text in a sentence of ours: its own direction reaches no further than itself. */
export function foreign(value: string, maxLength = 200): string {
  return `<bdi>${escapeText(value, maxLength)}</bdi>`;
}

/** `action` and the names are ours; the values may be anybody's. */
export function form(action: string, hidden: Readonly<Record<string, string>>, inner: string): string {
  const fields = Object.entries(hidden).map(([name, value]) => `<input type="hidden" name="${name}" value="${escapeText(value)}">`);
  return `<form method="post" action="${escapeText(action)}" accept-charset="utf-8" autocomplete="off">${fields.join('')}${inner}</form>`;
}

export interface CodeField {
  readonly name: string;
  readonly label: string;
  readonly hint: string;
  readonly value: string;
  /** What is wrong with it; HTML. */
  readonly error: string | undefined;
  readonly maxLength: number;
}

export function codeField({ name, label, hint, value, error, maxLength }: CodeField): string {
  const described = error === undefined ? `${name}-hint` : `${name}-hint ${name}-error`;
  return [
    `<label for="${name}">${label}</label>`,
    `<p class="hint" id="${name}-hint">${hint}</p>`,
    `<input type="text" id="${name}" name="${name}" value="${escapeText(value, maxLength)}" maxlength="${maxLength}" required autofocus autocomplete="off" autocapitalize="characters" autocorrect="off" spellcheck="false" aria-describedby="${described}"${error === undefined ? '' : ' aria-invalid="true"'}>`,
    error === undefined ? '' : `<p class="error" id="${name}-error" role="alert">${error}</p>`,
  ].join('');
}

function rightsList(scopes: readonly Scope[], itemOf: (scope: Scope) => string): string {
  return `<ul class="rights">${scopes.map(itemOf).join('')}</ul>`;
}

const plainItem = (scope: Scope): string => `<li>${scopeWords[scope]}</li>`;
const markedItem = (scope: Scope): string => (isManaging(scope) ? `<li class="manages">${scopeWords[scope]} <small>manages Keyward</small></li>` : plainItem(scope));

/** What an approval gives, in words, what manages Keyward marked; HTML. */
export function rightsRows({ given, withheld }: Share): readonly (readonly [string, string])[] {
  const rows: (readonly [string, string])[] = [['May then', given.length === 0 ? 'Nothing: you have no right that it asks for' : rightsList(given, markedItem)]];
  if (withheld.length > 0) rows.push(['Asked for, but not yours to give', rightsList(withheld, plainItem)]);
  return rows;
}

/** Who decides, and a way out for somebody else. */
export function whoLine(person: Person, signOutForm: string): string {
  const address = person.email === undefined || person.email === person.label ? '' : ` (${foreign(person.email, 100)})`;
  return `<div class="who"><span>Signed in as ${foreign(person.label, 100)}${address}</span>${signOutForm}</div>`;
}
