import type { JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import type { ResponseFormat } from '../ir/request.ts';
import { jsonTool } from './json-tool.ts';
import type { ModelTraits } from './model-traits.ts';
import { closeSchema } from './schema.ts';

/** Beyond this many the schema is refused upstream. */
const maxOptionalProperties = 24;
const maxUnions = 16;

export interface FormatPlan {
  /** For `output_config`. */
  readonly format: JsonRecord | undefined;
  /** The only tool of the request, which must be called. */
  readonly answerTool: JsonRecord | undefined;
}

/**
 * How the wanted form of the answer is had. JSON without a schema, and schemas that constrained decoding does not take, go by
 * the input of a forced tool, which goes with neither other tools nor reasoning.
 */
export function planFormat(wanted: ResponseFormat | undefined, isToolFree: boolean, traits: ModelTraits, losses: Losses): FormatPlan {
  if (wanted === undefined || wanted.kind === 'text') return { format: undefined, answerTool: undefined };
  const schema: JsonRecord | undefined = wanted.kind === 'schema' ? { ...(wanted.description === undefined ? {} : { description: wanted.description }), ...wanted.schema } : undefined;
  const closed = schema !== undefined && traits.takesSchemas ? closeSchema(schema) : undefined;
  if (closed !== undefined && closed.optionalProperties <= maxOptionalProperties && closed.unions <= maxUnions) return { format: { type: 'json_schema', schema: closed.schema }, answerTool: undefined };
  if (!isToolFree) return losses.refuse('responseFormat', schema === undefined ? 'JSON without a schema goes with neither tools nor reasoning' : 'a schema with open or recursive objects goes with neither tools nor reasoning');
  if (!traits.takesForcedTools) return losses.refuse('responseFormat', 'the model takes only schemas whose objects are closed and not recursive');
  if (schema !== undefined && schema['type'] !== 'object') return losses.refuse('responseFormat', 'the schema must describe an object');
  return { format: undefined, answerTool: jsonTool(schema) };
}
