import type { Party } from '../codec.ts';

/*
 * What differs between the upstreams and models that are reached in this dialect. By names, as of 2026-11; a model
 * without a name counts as one of the vendor's current ones.
 */

const withoutReasoning = /(?:^|\/)(?:gpt-3|gpt-4|chatgpt|gpt-5(?:\.\d+)?-(?:chat|search))/i;
const reasoning = /(?:^|\/)(?:o\d|gpt-(?:[5-9]|\d\d)|codex)/i;

/** OpenAI's own API; all others imitate it, and some refuse members they do not know. */
export function isOpenAi({ vendor, provider }: Party): boolean {
  return vendor === 'openai' || provider === 'openai';
}

/** Whether `reasoning_effort` may be sent: a model that does not reason refuses it by name. */
export function takesEffort(target: Party): boolean {
  return !isOpenAi(target) || target.model === undefined || !withoutReasoning.test(target.model);
}

/** Whether the model refuses `temperature` and `top_p` by name, even where they ask for the default. */
export function refusesSampling(target: Party): boolean {
  const { model } = target;
  return isOpenAi(target) && model !== undefined && reasoning.test(model) && !withoutReasoning.test(model);
}

/** The lowest effort that the model has. */
export function lowestEffort(target: Party): 'none' | 'minimal' | 'low' {
  const version = versionOf(target);
  if (version === undefined) return /(?:^|\/)o\d/i.test(target.model ?? '') ? 'low' : 'none';
  return version >= 501 ? 'none' : 'minimal';
}

/** @see https://developers.openai.com/api/docs/guides/prompt-caching – explicit breakpoints: from gpt-5.6 on. */
export function takesBreakpoints(target: Party): boolean {
  return isOpenAi(target) && (versionOf(target) ?? 0) >= 506;
}

/** `web_search_options`: only the models made for it. */
export function takesWebSearch(target: Party): boolean {
  return isOpenAi(target) && target.model !== undefined && /search/i.test(target.model);
}

/**
 * Whether each assistant message must bring its reasoning back: without it these answer 400, whoever made the message.
 * Others that serve the same models, under names with a slash, may refuse the member instead.
 *
 * @see https://api-docs.deepseek.com/guides/thinking_mode
 */
export function needsReasoningBack(target: Party): boolean {
  return !isOpenAi(target) && /^(?:deepseek|kimi)/i.test(target.model ?? '');
}

/** 506 of `gpt-5.6-sol`, 600 of `gpt-6`. */
function versionOf({ model }: Party): number | undefined {
  const found = /(?:^|\/)gpt-(\d+)(?:\.(\d+))?/i.exec(model ?? '');
  return found === null ? undefined : Number(found[1]) * 100 + Number(found[2] ?? 0);
}
