/** Fields of the internal form, and what they hold, as the Responses API calls them. */
const names: Readonly<Record<string, string>> = {
  maxTokens: 'max_output_tokens',
  topP: 'top_p',
  topK: 'top_k',
  frequencyPenalty: 'frequency_penalty',
  presencePenalty: 'presence_penalty',
  logprobs: 'top_logprobs',
  logitBias: 'logit_bias',
  responseFormat: 'text.format',
  verbosity: 'text.verbosity',
  toolChoice: 'tool_choice',
  parallelToolCalls: 'parallel_tool_calls',
  userId: 'safety_identifier',
  serviceTier: 'service_tier',
  promptCacheKey: 'prompt_cache_key',
  promptCacheRetention: 'prompt_cache_retention',
  cache_control: 'prompt_cache_breakpoint',
  fileName: 'filename',
  system: 'input',
  messages: 'input',
};

/** Parts are named by their own places; what is within one is of what a tool gave back. */
export function nameOf(field: string): string {
  return Object.hasOwn(names, field) ? (names[field] ?? field) : field.replace(/^(?:turns|messages)(?=[[.])/, 'input').replaceAll('.parts[', '.output[');
}
