import type { TokenLogprob } from '../ir/answer.ts';
import { isRecord, listOf, numberOf, textOf, type JsonRecord } from '../ir/json.ts';

type Alternative = TokenLogprob['top'][number];

/** The `logprobs` of an `output_text` or of its events; what is no token is left out. */
export function readLogprobs(value: unknown): readonly TokenLogprob[] {
  return listOf(value).flatMap((entry) => {
    const token = readToken(entry);
    if (token === undefined || !isRecord(entry)) return [];
    const top = listOf(entry['top_logprobs']).map(readToken);
    return [{ ...token, top: top.filter((alternative) => alternative !== undefined) }];
  });
}

function readToken(entry: unknown): Alternative | undefined {
  if (!isRecord(entry)) return undefined;
  const token = textOf(entry['token']);
  const logprob = numberOf(entry['logprob']);
  if (token === undefined || logprob === undefined) return undefined;
  const bytes = listOf(entry['bytes']).map(numberOf);
  return { token, logprob, bytes: bytes.length === 0 ? undefined : bytes.filter((byte) => byte !== undefined) };
}

export function writeLogprobs(tokens: readonly TokenLogprob[]): readonly JsonRecord[] {
  return tokens.map((token) => ({ ...writeToken(token), top_logprobs: token.top.map(writeToken) }));
}

function writeToken({ token, logprob, bytes }: Alternative): JsonRecord {
  return { token, logprob, bytes: bytes ?? [...Buffer.from(token)] };
}
