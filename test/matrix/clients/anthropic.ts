import Anthropic from '@anthropic-ai/sdk';
import { cityOf, citySchema, leaveAfterFirst, resultFor, weather, type Driver, type Outcome, type Place } from '../driver.ts';

export function anthropicDriver({ url, key }: Place): Driver {
  const client = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
  const tools = [{ name: weather.name, description: weather.description, input_schema: { ...weather.parameters, required: [...weather.parameters.required] } }];
  const ask = (model: string, content: Anthropic.MessageParam['content']): Anthropic.MessageCreateParamsNonStreaming => ({ model, max_tokens: 2_048, messages: [{ role: 'user', content }] });
  return {
    name: '@anthropic-ai/sdk',
    plain: async (model, prompt) => outcomeOf(await client.messages.create(ask(model, prompt))),
    stream: async (model, prompt) => {
      const stream = client.messages.stream(ask(model, prompt));
      let pieces = 0;
      stream.on('text', () => pieces++);
      return { ...outcomeOf(await stream.finalMessage()), pieces };
    },
    tools: async (model, prompt) => {
      const first = await client.messages.create({ ...ask(model, prompt), tools });
      const calls = first.content.flatMap((block) => (block.type === 'tool_use' ? [block] : []));
      const results = calls.map((call) => ({ type: 'tool_result' as const, tool_use_id: call.id, content: resultFor(cityOf(call.input)) }));
      const second = await client.messages.create({ ...ask(model, prompt), tools, messages: [{ role: 'user', content: prompt }, { role: 'assistant', content: first.content }, { role: 'user', content: results }] });
      return { calls: calls.map((call) => ({ name: call.name, city: cityOf(call.input) })), text: outcomeOf(second).text };
    },
    image: async (model, prompt, png) => outcomeOf(await client.messages.create(ask(model, [{ type: 'text', text: prompt }, { type: 'image', source: { type: 'base64', media_type: 'image/png', data: png } }]))),
    structured: async (model, prompt) => JSON.parse(outcomeOf(await client.messages.create({ ...ask(model, prompt), output_config: { format: { type: 'json_schema', schema: citySchema } } })).text),
    abort: async (model, prompt) => {
      const stream = await client.messages.create({ ...ask(model, prompt), stream: true });
      const spoken = (async function* () {
        let isSpoken = false;
        for await (const event of stream) {
          isSpoken ||= event.type === 'content_block_delta';
          if (isSpoken) yield event;
        }
      })();
      await leaveAfterFirst(spoken, () => stream.controller.abort());
    },
  };
}

function outcomeOf({ content, usage, stop_reason: stopReason }: Anthropic.Message): Outcome {
  const cached = (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0);
  return {
    text: content.map((block) => (block.type === 'text' ? block.text : '')).join(''),
    reasoning: content.map((block) => (block.type === 'thinking' ? block.thinking : '')).join(''),
    usage: { input: usage.input_tokens + cached, output: usage.output_tokens },
    finish: stopReason ?? '',
  };
}
