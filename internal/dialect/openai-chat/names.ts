/** Fields of the internal form, and what they hold, as Chat Completions calls them. */
const names: Readonly<Record<string, string>> = {
  toolChoice: 'tool_choice',
  parallelToolCalls: 'parallel_tool_calls',
  maxTokens: 'max_tokens',
  topP: 'top_p',
  topK: 'top_k',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  logitBias: 'logit_bias',
  responseFormat: 'response_format',
  reasoning: 'reasoning_effort',
  userId: 'user',
  serviceTier: 'service_tier',
  promptCacheKey: 'prompt_cache_key',
  promptCacheRetention: 'prompt_cache_retention',
  cache_control: 'prompt_cache_breakpoint',
  fileName: 'filename',
  turns: 'messages',
  system: 'messages',
};

/** A message is one turn, so that paths into turns are paths into messages; the one part of a tool's turn is its message. */
export function nameOf(field: string): string {
  if (Object.hasOwn(names, field)) return names[field] ?? field;
  return field.replace(/^turns(?=\[)/, 'messages').replace(/\.parts\[0\](?=\.parts\[)/, '').replaceAll('.parts[', '.content[');
}
