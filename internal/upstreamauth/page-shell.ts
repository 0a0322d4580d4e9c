import { escapeForeign } from '../log/escape.ts';
import { pageStyle } from './page-style.ts';

/** What every page of Keyward that a person sees is made of. */
export interface PageParts {
  readonly tone: 'good' | 'bad' | 'wait' | 'ask';
  /** Plain text. */
  readonly title: string;
  /** HTML. */
  readonly body: string;
  /** Looks again by itself after so many seconds; with `goTo`, goes there. */
  readonly refreshSeconds?: number;
  readonly goTo?: string;
  /** Where the content security policy allows another one than that of the login pages. */
  readonly style?: string;
}

const marks: Readonly<Record<PageParts['tone'], string>> = {
  good: '<path d="M5 12.5l4.5 4.5L19 7.5"/>',
  bad: '<path d="M7 7l10 10"/><path d="M17 7L7 17"/>',
  wait: '<circle cx="12" cy="12" r="8"/><path d="M12 7.5V12l3 2"/>',
  ask: '<rect x="3" y="5" width="18" height="14" rx="2.5"/><path d="M7.5 10l2.5 2.2-2.5 2.2"/><path d="M13 14.5h3.5"/>',
};

/** The whole document. */
export function renderPage({ tone, title, body, refreshSeconds, goTo, style = pageStyle }: PageParts): string {
  const target = goTo === undefined ? '' : `;url=${escapeText(goTo, 8_000)}`;
  const refresh = refreshSeconds === undefined ? '' : `<meta http-equiv="refresh" content="${refreshSeconds}${target}">`;
  return [
    '<!doctype html>',
    '<html lang="en">',
    `<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark"><meta name="robots" content="noindex">${refresh}<title>${richText(title)} · Keyward</title><style>${style}</style></head>`,
    '<body>',
    `<main><span class="mark ${tone}" aria-hidden="true"><svg viewBox="0 0 24 24">${marks[tone]}</svg></span>`,
    `<h1>${richText(title)}</h1>`,
    body,
    '</main>',
    '<footer>Keyward</footer>',
    '</body>',
    '</html>',
    '',
  ].join('\n');
}

/** Names and values, both HTML. */
export function listOf(rows: readonly (readonly [string, string])[]): string {
  return `<dl>${rows.map(([name, value]) => `<div><dt>${name}</dt><dd>${value}</dd></div>`).join('')}</dl>`;
}

const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Foreign text as HTML text or attribute: control and bidirectional characters spelled out, markup escaped. */
export function escapeText(value: string, maxLength: number = 2_000): string {
  return escapeForeign(value, maxLength).replace(/[&<>"']/g, (character) => entities[character] ?? '');
}

/** `escapeText`, with what stands between backticks as code. */
export function richText(value: string): string {
  return escapeText(value).replace(/`([^`]+)`/g, '<code>$1</code>');
}
