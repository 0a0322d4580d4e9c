import type { TokenLogprob } from '../ir/answer.ts';
import { listOf, memberOf, numberOf, textOf, type JsonRecord } from '../ir/json.ts';

type Alternative = TokenLogprob['top'][number];

/** @see https://ai.google.dev/api/generate-content#LogprobsResult */
export function readLogprobs(result: unknown): readonly TokenLogprob[] {
  const tops = listOf(memberOf(result, 'topCandidates'));
  return listOf(memberOf(result, 'chosenCandidates')).flatMap((chosen, index) => {
    const token = readToken(chosen);
    return token === undefined ? [] : [{ ...token, top: listOf(memberOf(tops[index], 'candidates')).map(readToken).filter((each) => each !== undefined) }];
  });
}

function readToken(value: unknown): Alternative | undefined {
  const token = textOf(memberOf(value, 'token'));
  const logprob = numberOf(memberOf(value, 'logProbability'));
  return token === undefined || logprob === undefined ? undefined : { token, logprob };
}

/** Members of a candidate; none without tokens. */
export function writeLogprobs(tokens: readonly TokenLogprob[]): JsonRecord {
  if (tokens.length === 0) return {};
  return {
    avgLogprobs: tokens.reduce((sum, { logprob }) => sum + logprob, 0) / tokens.length,
    logprobsResult: { topCandidates: tokens.map(({ top }) => ({ candidates: top.map(writeToken) })), chosenCandidates: tokens.map(writeToken) },
  };
}

function writeToken({ token, logprob }: Alternative): JsonRecord {
  return { token, logProbability: logprob };
}
