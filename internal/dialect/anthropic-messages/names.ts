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

/** Parts are named by their own places; what is within one is of the content of a tool's result. */
export function nameOf(field: string): string {
  if (Object.hasOwn(names, field)) return names[field] ?? field;
  return field.replace(/^turns(?=\[)/, 'messages').replaceAll('.parts[', '.content[');
}
