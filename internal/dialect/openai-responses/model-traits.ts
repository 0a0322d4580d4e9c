import type { Party } from '../codec.ts';

/** Names of OpenAI's models that do not reason: asked for encrypted reasoning, the API refuses the whole request. As of 2026-11. */
const withoutReasoning = /(?:^|[/:])(?:gpt-3|gpt-4|chatgpt|gpt-5(?:\.\d+)?-chat)/i;

const reasoning = /(?:^|[/:])(?:o\d|gpt-(?:[5-9]|\d\d)|codex)/i;

/** Whether `include: ["reasoning.encrypted_content"]` may be sent. A model without a name counts as one that reasons. */
export function takesEncryptedReasoning({ model }: Party): boolean {
  return model === undefined || !withoutReasoning.test(model);
}

/** Whether the model refuses `temperature` and `top_p` by name, even where they ask for the default. */
export function refusesSampling({ model, vendor }: Party): boolean {
  return vendor === 'openai' && model !== undefined && reasoning.test(model) && !withoutReasoning.test(model);
}
