import type { JsonRecord } from '../ir/json.ts';

/**
 * The tool whose input is the answer, for a JSON answer that `output_config.format` cannot ask for. Its name tells the
 * decoders of answers to make text of its call: no client's tool is called so.
 */
export const jsonToolName = 'keyward_json_answer';

export function jsonTool(schema: JsonRecord | undefined): JsonRecord {
  return {
    name: jsonToolName,
    description: 'Gives the whole answer as one JSON object. Call it once, with nothing before or after.',
    input_schema: schema ?? { type: 'object', additionalProperties: true },
  };
}
