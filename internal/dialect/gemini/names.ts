const config = (name: string): string => `generationConfig.${name}`;

/** Fields of the internal form as the Gemini API calls them. */
const names: Readonly<Record<string, string>> = {
  toolChoice: 'toolConfig.functionCallingConfig',
  maxTokens: config('maxOutputTokens'),
  temperature: config('temperature'),
  topP: config('topP'),
  topK: config('topK'),
  frequencyPenalty: config('frequencyPenalty'),
  presencePenalty: config('presencePenalty'),
  seed: config('seed'),
  stop: config('stopSequences'),
  n: config('candidateCount'),
  logprobs: config('responseLogprobs'),
  responseFormat: config('responseMimeType'),
  modalities: config('responseModalities'),
  reasoning: config('thinkingConfig'),
  detail: 'mediaResolution',
  fileName: 'displayName',
  is_error: 'functionResponse.response.error',
  system: 'contents',
  turns: 'contents',
};

/** Turns are other than contents, which may hold several or be held by one: only their list is named. */
export function nameOf(field: string): string {
  if (Object.hasOwn(names, field)) return names[field] ?? field;
  return field.replace(/^turns\[.*/, 'contents');
}
