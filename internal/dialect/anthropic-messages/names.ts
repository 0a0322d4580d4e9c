/** Fields of the internal form as the Messages API calls them. */
const names: Readonly<Record<string, string>> = {
  toolChoice: 'tool_choice',
  parallelToolCalls: 'tool_choice.disable_parallel_tool_use',
  maxTokens: 'max_tokens',
  topP: 'top_p',
  topK: 'top_k',
  stop: 'stop_sequences',
  responseFormat: 'output_config.format',
  reasoning: 'thinking',
  userId: 'metadata.user_id',
  serviceTier: 'service_tier',
  fileName: 'title',
  system: 'messages',
  turns: 'messages',
};

/** Paths keep the place of the turn and of its part; where results of tools stood in a user's message, the turns count them apart. */
export function nameOf(field: string): string {
  if (Object.hasOwn(names, field)) return names[field] ?? field;
  return field.replace(/^turns(?=\[)/, 'messages').replaceAll('.parts[', '.content[');
}
