import { escapeForeign } from '../../log/escape.ts';
import { formatPage } from '../../upstreamauth/pages.ts';
import type { PageAnswer } from '../../upstreamauth/ports.ts';

/** What the browser is shown at the end of `keyward login`. */
export function loginPage(end: { readonly kind: 'done'; readonly label: string; readonly server: string } | { readonly kind: 'failed'; readonly message: string }): PageAnswer {
  if (end.kind === 'done') return formatPage(200, { tone: 'good', title: 'You are logged in', lead: `The command line on this machine now works as ${escapeForeign(end.label, 200) || 'you'} at ${end.server}.`, rows: [], close: 'You can close this window and go back to the terminal.' });
  return formatPage(400, { tone: 'bad', title: 'The login failed', lead: end.message, rows: [['What to do', 'Go back to the terminal and run `keyward login` again.']], close: 'Nothing was stored. You can close this window.' });
}
