import type { CountCodec, Party } from '../codec.ts';
import { compact, memberOf, numberOf, type JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import type { IrRequest } from '../ir/request.ts';
import { pickRecord } from './members.ts';
import { traitsOf } from './model-traits.ts';
import { decodeRequest } from './request-decode.ts';
import { encodePrompt } from './request-encode.ts';

/**
 * `countTokens` takes the contents alone, or a whole request behind `generateContentRequest`; Vertex a whole one as it is.
 *
 * @see https://ai.google.dev/api/tokens
 */
export const countTokens: CountCodec = {
  decodeRequest: (body) => decodeRequest(pickRecord(body, 'generateContentRequest') ?? body, false),
  encodeRequest: encodeCount,
  decodeAnswer: (body) => numberOf(memberOf(body, 'totalTokens')),
  encodeAnswer: (tokens) => ({ totalTokens: tokens }),
};

function encodeCount(request: IrRequest, target: Party, losses: Losses): JsonRecord {
  const { contents, systemInstruction, tools, cachedContent } = encodePrompt(request, target, losses);
  const { isVertex, isGeminiApi } = traitsOf(target);
  if (isVertex) return compact({ contents, systemInstruction, tools });
  const isBare = systemInstruction === undefined && tools === undefined && cachedContent === undefined;
  if (isBare || !isGeminiApi || target.model === undefined) return { contents: [...asContents(systemInstruction, tools), ...contents] };
  return { generateContentRequest: compact({ model: target.model.includes('/') ? target.model : `models/${target.model}`, contents, systemInstruction, tools, cachedContent }) };
}

/** Code Assist counts contents alone; instructions and tools are about as many tokens as their text. */
function asContents(systemInstruction: JsonRecord | undefined, tools: readonly JsonRecord[] | undefined): readonly JsonRecord[] {
  return [...(systemInstruction === undefined ? [] : [{ role: 'user', ...systemInstruction }]), ...(tools === undefined ? [] : [{ role: 'user', parts: [{ text: JSON.stringify(tools) }] }])];
}
