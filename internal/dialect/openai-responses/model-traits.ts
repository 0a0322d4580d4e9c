import type { Party } from '../codec.ts';

/** A target whose model is known. Without the name it counts as one of OpenAI's reasoning models of today. */
export interface ModelTarget extends Party {
  /** As the upstream calls it. */
  readonly model?: string | undefined;
}

/** Names of OpenAI's models that do not reason: asked for encrypted reasoning, the API refuses the whole request. As of 2026-11. */
const withoutReasoning = /(?:^|\/)(?:gpt-3|gpt-4|chatgpt|gpt-5(?:\.\d+)?-chat)/i;

const reasoning = /(?:^|\/)(?:o\d|gpt-(?:[5-9]|\d\d)|codex)/i;

/** Whether `include: ["reasoning.encrypted_content"]` may be sent. */
export function takesEncryptedReasoning({ model }: ModelTarget): boolean {
  return model === undefined || !withoutReasoning.test(model);
}

/** Whether the model refuses `temperature` and `top_p` by name, even where they ask for the default. */
export function refusesSampling({ model, vendor }: ModelTarget): boolean {
  return vendor === 'openai' && model !== undefined && reasoning.test(model) && !withoutReasoning.test(model);
}
