import Anthropic from '@anthropic-ai/sdk';
import { cityOf, citySchema, leaveAfterFirst, resultFor, weather, type Driver, type Outcome, type Place, type ToolRun } from '../driver.ts';

export function anthropicDriver({ url, key }: Place): Driver {
  const client = new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 });
  const ask = (model: string, content: Anthropic.MessageParam['content']): Anthropic.MessageCreateParamsNonStreaming => ({ model, max_tokens: 2_048, messages: [{ role: 'user', content }] });
  const think = (params: Anthropic.MessageCreateParamsNonStreaming): Anthropic.MessageCreateParamsNonStreaming => ({ ...params, thinking: { type: 'enabled', budget_tokens: 1_024 } });
  return {
    name: '@anthropic-ai/sdk',
    plain: async (model, prompt) => outcomeOf(await client.messages.create(think(ask(model, prompt)))),
    stream: async (model, prompt) => {
      const stream = client.messages.stream(think(ask(model, prompt)));
      let pieces = 0;
      stream.on('text', () => pieces++);
      return { ...outcomeOf(await stream.finalMessage()), pieces };
    },
    tools: (model, prompt) => runTools((params) => client.messages.create(params), ask(model, prompt)),
    streamedTools: (model, prompt) => runTools((params) => client.messages.stream(params).finalMessage(), ask(model, prompt)),
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

async function runTools(answer: (params: Anthropic.MessageCreateParamsNonStreaming) => Promise<Anthropic.Message>, asked: Anthropic.MessageCreateParamsNonStreaming): Promise<ToolRun> {
  const tools = [{ name: weather.name, description: weather.description, input_schema: { ...weather.parameters, required: [...weather.parameters.required] } }];
  const first = await answer({ ...asked, tools });
  const calls = first.content.flatMap((block) => (block.type === 'tool_use' ? [{ id: block.id, name: block.name, city: cityOf(block.input) }] : []));
  const results = calls.map(({ id, city }) => ({ type: 'tool_result' as const, tool_use_id: id, content: resultFor(city) }));
  const second = await answer({ ...asked, tools, messages: [...asked.messages, { role: 'assistant', content: first.content }, { role: 'user', content: results }] });
  return { calls, finish: outcomeOf(first).finish, text: outcomeOf(second).text };
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
