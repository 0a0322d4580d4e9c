import { isRecord, parseJson, textOf } from './json.ts';
import type { CustomTool, FunctionTool, IrRequest } from './request.ts';

/*
 * Free-form tools exist in OpenAI's dialects alone. Elsewhere such a tool is a function whose one parameter is the text.
 */

/** The function that stands for a custom tool. */
export function customAsFunction({ name, description, format }: CustomTool): FunctionTool {
  const syntax = textOf(format?.['definition']);
  const grammar = syntax === undefined ? '' : `The input must follow this ${textOf(format?.['syntax']) ?? ''} grammar:\n${syntax}`;
  return {
    kind: 'function',
    name,
    description: [description ?? '', grammar].filter((text) => text !== '').join('\n\n') || undefined,
    parameters: { type: 'object', properties: { input: { type: 'string', description: 'The input of the tool, as free text.' } }, required: ['input'], additionalProperties: false },
  };
}

/** Free text as the arguments of that function. */
export function wrapCustomInput(input: string): string {
  return JSON.stringify({ input });
}

/** The free text in the arguments of that function; arguments of another form are the text themselves. */
export function unwrapCustomInput(argumentsText: string): string {
  const value = parseJson(argumentsText);
  return (isRecord(value) ? textOf(value['input']) : undefined) ?? argumentsText;
}

/** Whether the client knows the tool as a custom one, so that calls of it must come back as such. */
export function isCustomTool(request: Pick<IrRequest, 'tools'>, name: string): boolean {
  return request.tools.some((tool) => tool.kind === 'custom' && tool.name === name);
}
