import { isRecord, memberOf, numberOf, parseJson, textOf } from '../dialect/ir/json.ts';

/*
 * A 404 may be about the model, or about what the request refers to: an item, a file, cached content. Only the first says
 * something of the account.
 */

/** Words for a missing model and nothing else; in lower case, without what joins their parts. */
const modelWords: ReadonlySet<string | undefined> = new Set(['modelnotfound', 'deploymentnotfound', 'modelnotavailable', 'invalidmodel', 'unknownmodel']);
/** Words for whatever is missing. */
const anyWords: ReadonlySet<string | undefined> = new Set(['notfound', 'notfounderror', 'resourcenotfound', 'resourcenotfounderror', '404']);

/**
 * Whether the body of a 404 says that the upstream does not have the model, or not behind this endpoint. A body that states
 * no error at all comes of a server without the endpoint. `model`: as the upstream calls it.
 */
export function saysModelIsMissing(body: Buffer, model: string): boolean {
  const parsed = parseJson(body.toString('utf8'));
  const error = errorIn(Array.isArray(parsed) ? parsed[0] : parsed);
  if (error === undefined) return true;
  const param = textOf(memberOf(error, 'param')) ?? '';
  if (param !== '') return param === 'model';
  const words = [memberOf(error, 'code'), memberOf(error, 'type'), memberOf(error, 'status')].map(plainWord);
  if (words.some((word) => modelWords.has(word))) return true;
  // Anthropic and Google have one word for all that may be missing, Ollama has none: what it is stands in the message alone.
  const message = textOf(error) ?? textOf(memberOf(error, 'message')) ?? '';
  if (!/\bmodels?\b/i.test(message)) return false;
  return words.some((word) => anyWords.has(word)) || (model !== '' && message.includes(model));
}

/** OpenAI's `error` object, Ollama's text in its place, or vLLM's error that is the body itself. */
function errorIn(body: unknown): unknown {
  const stated = memberOf(body, 'error');
  if (isRecord(stated) || typeof stated === 'string') return stated;
  return textOf(memberOf(body, 'message')) === undefined ? undefined : body;
}

function plainWord(word: unknown): string | undefined {
  const text = typeof word === 'string' ? word : numberOf(word)?.toString();
  return text?.toLowerCase().replaceAll(/[^a-z0-9]/g, '');
}
