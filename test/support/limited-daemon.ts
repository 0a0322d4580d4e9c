import { ask, memberOf, type Asked } from './ask.ts';
import { startDaemon, type RunningDaemon } from './daemon.ts';
import { managementSecret } from './four-dialects.ts';
import { answerResponse } from './responses-events.ts';
import { answerEvents, answerJson, chatCompletion, chatEvents, type Script } from './scripted-upstream.ts';
import { isEnd, openSocket, type SocketClient } from './socket-client.ts';

/** A config whose upstreams serve `m` by chat, `spoken` by responses and `voice` in real time; a token costs something with each. */
export function limitedConfig(upstream: string, voice: string): string {
  return `client-auth: required
api-keys: ["sk-static-0123456789abcdef"]
remote-management: { secret-key: "${managementSecret}" }
stored-responses: { enabled: true }
prices: [{ model: "*", input: 1000, output: 1000 }]
openai-compatibility:
  - { name: chat, base-url: "${upstream}/v1", api-key-entries: [{ api-key: sk-up-0123456789 }], models: [{ name: m }, { name: n }] }
  - { name: rt, base-url: "${voice}/v1", api-key-entries: [{ api-key: sk-up-0123456789 }], models: [{ name: voice }] }
codex-api-key:
  - { api-key: sk-up-0123456789, base-url: "${upstream}/v1", models: [{ name: spoken }] }
`;
}

/** Answers what it is asked for: JSON, a chat stream of 7 tokens, a Responses stream of 10. */
export const answerAny: Script = (seen, res) => {
  const isStream = seen.body.includes('"stream":true');
  if (seen.url.endsWith('/responses')) answerResponse(res, { id: `resp_${Math.random()}`, text: 'Hello there.' });
  else if (isStream) answerEvents(res, chatEvents);
  else answerJson(res, 200, chatCompletion);
};

/** A key with these limits, made by the management API; its text. */
export async function mintKey(daemon: Pick<RunningDaemon, 'url'>, limits: object): Promise<{ readonly id: string; readonly key: string }> {
  const made = await ask(daemon.url, '/v0/management/client-keys', { key: managementSecret, json: { name: 'limited', ...limits } });
  if (made.status !== 201) throw new Error(made.text);
  return { id: String(memberOf(made.json, 'id')), key: String(memberOf(made.json, 'key')) };
}

/** `ok`, or the code of the refusal with the limit that it names. */
export type Outcome = string;

export type Way = (daemon: Pick<RunningDaemon, 'url'>, key: string, more?: object) => Promise<Outcome>;

const chat = (more: object): object => ({ model: 'm', max_tokens: 10, messages: [{ role: 'user', content: 'hi' }], ...more });

function outcomeOf({ status, text, json, code }: Asked): Outcome {
  if (status === 200) return text.includes('"error"') ? 'an error in a good answer' : 'ok';
  return said(code, memberOf(memberOf(json, 'error'), 'limit'));
}

function said(code: unknown, limit: unknown): Outcome {
  return typeof limit === 'string' ? `${String(code)} ${limit}` : String(code);
}

export const askWhole: Way = async (daemon, key, more = {}) => outcomeOf(await ask(daemon.url, '/v1/chat/completions', { key, json: chat(more) }));

export const askStream: Way = async (daemon, key, more = {}) => outcomeOf(await ask(daemon.url, '/v1/chat/completions', { key, json: chat({ stream: true, ...more }) }));

/** One turn on a socket of its own. */
export const askTurn: Way = async (daemon, key, more = {}) => {
  let client: SocketClient;
  try {
    client = await openSocket(`${daemon.url}/v1/responses`, { headers: { authorization: `Bearer ${key}` } });
  } catch (refused) {
    return /"code":"(\w+)"/.exec(String(refused))?.[1] ?? String(refused);
  }
  client.send({ type: 'response.create', model: 'spoken', input: 'hi', max_output_tokens: 10, ...more });
  const end = await client.next(isEnd, 15_000);
  await client.close();
  return end.type === 'response.completed' ? 'ok' : said(memberOf(end['error'], 'code'), memberOf(end['error'], 'limit'));
};

export async function startLimited(upstream: string, voice: string, folder?: string): Promise<RunningDaemon> {
  return startDaemon({ config: limitedConfig(upstream, voice), ...(folder === undefined ? {} : { folder }) });
}
