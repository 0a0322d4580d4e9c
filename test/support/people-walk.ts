import { createBrowserWalk, type BrowserWalk, type WalkEnd } from './browser-walk.ts';
import { fieldsOf } from './people-world.ts';

/** Takes a device code to the question, through a sign-in at the operator's provider. */
export async function walkToQuestion(walk: BrowserWalk, publicUrl: string, userCode: string): Promise<WalkEnd> {
  const page = await walk.open(`${publicUrl}/device?user_code=${userCode}`);
  const next = await walk.send(`${publicUrl}/device`, { ...hidden(page, 'enter'), user_code: userCode });
  return goOn(walk, next);
}

/** As a browser does by itself on a page that sends it on. */
async function goOn(walk: BrowserWalk, page: WalkEnd): Promise<WalkEnd> {
  const onward = page.body.includes('http-equiv="refresh"') ? /<a [^>]*href="(http[^"]+)"/.exec(page.body)?.[1] : undefined;
  return onward === undefined ? page : walk.open(onward.replaceAll('&amp;', '&'));
}

/** Takes the address that a program opened to its end, as whoever the provider says, or by a code of `keyward approve`. */
export async function logInByWalk(address: string, approvalCode?: string): Promise<WalkEnd> {
  const walk = createBrowserWalk();
  let page = await goOn(walk, await walk.open(address));
  if (approvalCode !== undefined) page = await walk.send(page.url, { ...hidden(page, 'approval'), approval_code: approvalCode });
  if (!page.body.includes('Let this application in?')) return page;
  return goOn(walk, await walk.send(page.url, { ...hidden(page, 'decide'), decision: 'approve' }));
}

/** Approves a device code as whoever the provider says, in a browser of its own. Gives the last page. */
export async function approveByWalk(publicUrl: string, userCode: string, decision: 'approve' | 'deny' = 'approve'): Promise<WalkEnd> {
  const walk = createBrowserWalk();
  const question = await walkToQuestion(walk, publicUrl, userCode);
  if (!question.body.includes('Let this device in?')) return question;
  return walk.send(`${publicUrl}/device`, { ...hidden(question, 'decide'), decision });
}

function hidden({ status, body }: WalkEnd, step: string): Readonly<Record<string, string>> {
  return fieldsOf({ status, headers: {}, body }, step);
}
