import { createBrowserWalk, type BrowserWalk, type WalkEnd } from './browser-walk.ts';

/** Who walks, and what they press at the end. */
export interface PageWalk {
  /** Makes an approval code, as `keyward approve` does. */
  readonly issueCode: (name: string) => Promise<string>;
  readonly name?: string;
  readonly decision?: 'approve' | 'deny';
  readonly browser?: BrowserWalk;
}

/**
 * Opens the address that a client sends its person to, signs in with an approval code, decides, and resolves with the address that
 * the browser is sent back to, which is not opened. Rejects with the page where the way ends elsewhere.
 */
export async function walkPages(url: string, backTo: string, { issueCode, name = 'ann', decision = 'approve', browser = createBrowserWalk() }: PageWalk): Promise<URL> {
  let at = await browser.open(url, backTo);
  if (isBack(at, backTo)) return new URL(at.url);
  if (at.body.includes('name="approval_code"')) at = await browser.send(at.url, { ...formOf(at, 'approval'), approval_code: await issueCode(name) }, backTo);
  at = await browser.send(at.url, { ...formOf(at, 'decide'), decision }, backTo);
  const [, goOn = ''] = /<a class="button go" href="([^"]*)"/.exec(at.body) ?? [];
  at = await browser.open(new URL(decodeEntities(goOn), at.url).href, backTo);
  if (!isBack(at, backTo)) throw new Error(`the way ended at ${at.url} with ${at.status}:\n${at.body}`);
  return new URL(at.url);
}

function isBack({ url }: WalkEnd, backTo: string): boolean {
  return url.startsWith(backTo);
}

/** The hidden fields of the form of a step. */
function formOf({ url, status, body }: WalkEnd, step: string): Readonly<Record<string, string>> {
  const forms = [...body.matchAll(/<form[^>]*>([\s\S]*?)<\/form>/g)].map(([, inner = '']) => Object.fromEntries([...inner.matchAll(/<input type="hidden" name="(\w+)" value="([^"]*)">/g)].map(([, name = '', value = '']) => [name, decodeEntities(value)] as const)));
  const found = forms.find((fields) => fields['step'] === step);
  if (found === undefined) throw new Error(`${url} (${status}) has no form for ${step}:\n${body}`);
  return found;
}

function decodeEntities(text: string): string {
  return text.replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
