import { isRecord, parseJson, textOf, type JsonRecord } from '../ir/json.ts';
import type { ToolResultPart } from '../ir/parts.ts';

/*
 * The result of a function is an object there. Text stands in one member: `output`, or `error` where the call failed.
 * https://ai.google.dev/api/caching#FunctionResponse
 */

const wrappers: ReadonlySet<string> = new Set(['output', 'result', 'error', 'content']);

/** What a `response` says: the text in one of the usual members, or else the object itself, as JSON. */
export function readResponse(response: unknown): { readonly text: string; readonly isError: boolean } {
  if (!isRecord(response)) return { text: response === undefined || response === null ? '' : asText(response), isError: false };
  // The AI SDK writes the function's name beside it.
  const members = Object.keys(response).filter((name) => name !== 'name' || Object.keys(response).length !== 2);
  const [name] = members;
  if (name === undefined) return { text: '', isError: false };
  const isWrapped = members.length === 1 && wrappers.has(name) && (name !== 'content' || Object.keys(response).length === 2);
  return isWrapped ? { text: asText(response[name]), isError: name === 'error' } : { text: JSON.stringify(response), isError: false };
}

function asText(value: unknown): string {
  return textOf(value) ?? JSON.stringify(value);
}

export function writeResponse(text: string, { isError }: Pick<ToolResultPart, 'isError'>): JsonRecord {
  if (isError === true) return { error: text };
  return text.trimStart().startsWith('{') ? (plainObject(text) ?? { output: text }) : { output: text };
}

/** An object that reads the same when it comes back, and in which Google reads nothing of its own. */
function plainObject(text: string): JsonRecord | undefined {
  // `$ref` names a file of the result there, and is refused where it names none.
  if (text.includes('"$ref"')) return undefined;
  if (parseJson(text) === undefined) return undefined;
  // Google's objects hold doubles: what one would damage stays text.
  const value: unknown = JSON.parse(text);
  if (!isRecord(value) || Object.keys(value).length === 0) return undefined;
  const isSame = [undefined, 2, 4].some((indent) => JSON.stringify(value, undefined, indent) === text.trim());
  const isMistakable = readResponse(value).text !== JSON.stringify(value);
  return isSame && !isMistakable ? value : undefined;
}
