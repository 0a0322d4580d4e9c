import type { Part } from '../../dialect/ir/parts.ts';
import type { IrRequest, Tool } from '../../dialect/ir/request.ts';

/** Beyond this much text the rest is taken to be like it, so that a large prompt holds nobody up. */
const maxExactChars = 256 * 1024;
/** The tokenizer's time grows with the square of a run without breaks; pieces keep it linear and cost a token or so each. */
const pieceChars = 1_024;

/** Around each turn and each tool. */
const turnOverhead = 4;
const toolOverhead = 8;
/** A picture of about one megapixel: between OpenAI's 765 and Anthropic's 1,600. */
const imageTokens = 1_100;
/** A page of a PDF is 1,500 to 3,000 tokens and some 50 kB. */
const pdfTokensPerByte = 2_000 / 50_000;
/** Gemini's 32 tokens a second of speech at 16 kB a second. */
const audioTokensPerByte = 32 / 16_000;

/** What a prompt may take, by OpenAI's o200k vocabulary; other vendors' differ by up to a third. Loads the tokenizer at its first use. */
export async function estimateTokens(request: IrRequest): Promise<number> {
  const { countTokens } = await import('gpt-tokenizer/encoding/o200k_base');
  const texts: string[] = [];
  let fixed = 0;
  const add = (text: string): void => void texts.push(text);
  for (const { parts } of request.turns) {
    fixed += turnOverhead;
    for (const part of parts) fixed += countPart(part, add);
  }
  for (const tool of request.tools) {
    fixed += toolOverhead;
    add(textOfTool(tool));
  }
  if (request.responseFormat?.kind === 'schema') add(JSON.stringify(request.responseFormat.schema));
  return fixed + countTexts(texts, (text) => countTokens(text, { disallowedSpecial: new Set<string>() }));
}

function countTexts(texts: readonly string[], count: (text: string) => number): number {
  let tokens = 0;
  let counted = 0;
  let chars = 0;
  for (const text of texts) {
    chars += text.length;
    for (let from = 0; from < text.length && counted < maxExactChars; from += pieceChars) {
      const piece = text.slice(from, from + pieceChars);
      tokens += count(piece);
      counted += piece.length;
    }
  }
  return counted === 0 ? 0 : Math.round((tokens * chars) / counted);
}

/** Hands texts to `add`; gives the tokens of what is no text. */
function countPart(part: Part, add: (text: string) => void): number {
  switch (part.kind) {
    case 'text':
    case 'thinking':
    case 'refusal':
      add(part.text);
      return 0;
    case 'image':
      return imageTokens;
    case 'file':
      if (part.source.kind === 'text') add(part.source.text);
      return part.source.kind === 'base64' ? Math.ceil(bytesOf(part.source.data) * pdfTokensPerByte) : 0;
    case 'audio':
      return part.source.kind === 'base64' ? Math.ceil(bytesOf(part.source.data) * audioTokensPerByte) : 0;
    case 'tool_call':
      add(part.name);
      add(part.input);
      return turnOverhead;
    case 'tool_result': {
      let fixed = turnOverhead;
      for (const inner of part.parts) fixed += countPart(inner, add);
      return fixed;
    }
    case 'raw':
      add(JSON.stringify(part.item));
      return 0;
  }
}

function bytesOf(base64: string): number {
  return (base64.length * 3) / 4;
}

function textOfTool(tool: Tool): string {
  switch (tool.kind) {
    case 'function':
      return `${tool.name} ${tool.description ?? ''} ${JSON.stringify(tool.parameters ?? {})}`;
    case 'custom':
      return `${tool.name} ${tool.description ?? ''} ${JSON.stringify(tool.format ?? {})}`;
    case 'builtin':
      return JSON.stringify(tool.item);
  }
}
