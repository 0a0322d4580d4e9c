import { createBrowserWalk, type BrowserWalk, type WalkEnd } from './browser-walk.ts';
import { fieldsOf } from './people-world.ts';

/** Takes a device code to the question, through a sign-in at the operator's provider. */
export async function walkToQuestion(walk: BrowserWalk, publicUrl: string, userCode: string): Promise<WalkEnd> {
  const page = await walk.open(`${publicUrl}/device?user_code=${userCode}`);
  const next = await walk.send(`${publicUrl}/device`, { ...hidden(page, 'enter'), user_code: userCode });
  const onward = /<a [^>]*href="(http[^"]+)"/.exec(next.body)?.[1];
  return onward === undefined ? next : walk.open(onward.replaceAll('&amp;', '&'));
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
