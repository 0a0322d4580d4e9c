import type { IncomingMessage, ServerResponse } from 'node:http';
import { answerJson, readBody } from './bodies.ts';
import type { TokenBook } from './token-book.ts';
import type { Stats } from './wire.ts';

/** An operator's header by which each daemon says which one it is. */
export const spenderHeader = 'x-burn-daemon';

/** The API where access tokens are spent; it knows of each token whether it is good at this instant. */
export interface Upstream {
  readonly answer: (req: IncomingMessage, res: ServerResponse) => Promise<void>;
  readonly counts: () => Pick<Stats, 'upstream' | 'unknownAccessCount' | 'adoptedCount'>;
}

/** Answers after `answerMs`, so that as many exchanges are open as there are clients. */
export function createUpstream(book: TokenBook, answerMs: number): Upstream {
  const counts = new Map<string, { served: number; expired: number; revoked: number }>();
  const adopted = new Set<string>();
  let unknownAccessCount = 0;
  return {
    answer: async (req, res) => {
      const token = /^Bearer (.+)$/.exec(req.headers.authorization ?? '')?.[1] ?? '';
      const check = book.check(token);
      await readBody(req);
      if (check.kind === 'unknown') {
        unknownAccessCount++;
        refuse(res, 'unknown');
        return;
      }
      const count = counts.get(check.identity) ?? { served: 0, expired: 0, revoked: 0 };
      counts.set(check.identity, count);
      if (check.kind !== 'good') {
        count[check.kind]++;
        refuse(res, check.kind);
        return;
      }
      count.served++;
      const spender = req.headers[spenderHeader];
      if (typeof spender === 'string' && check.askedBy !== '' && spender !== check.askedBy) adopted.add(`${spender} ${token}`);
      await new Promise((resume) => setTimeout(resume, answerMs));
      answerJson(res, 200, completionOf(check.identity));
    },
    counts: () => ({ upstream: [...counts].map(([identity, count]) => ({ identity, ...count })), unknownAccessCount, adoptedCount: adopted.size }),
  };
}

function refuse(res: ServerResponse, why: string): void {
  answerJson(res, 401, { error: { message: `access token ${why}`, type: 'invalid_request_error', code: 'invalid_api_key' } });
}

/** Says whose token was spent, so that a mix-up of accounts shows. */
function completionOf(identity: string): object {
  return {
    id: 'chatcmpl-burn',
    object: 'chat.completion',
    created: 1,
    model: 'burn-model',
    choices: [{ index: 0, message: { role: 'assistant', content: identity }, finish_reason: 'stop' }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  };
}
