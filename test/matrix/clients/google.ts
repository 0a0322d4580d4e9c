import type { Content, GenerateContentResponse, GoogleGenAI, Part } from '@google/genai';
import { cityOf, citySchema, leaveAfterFirst, resultFor, weather, type Driver, type Outcome, type Place, type ToolRun } from '../driver.ts';

type Make = (options: { readonly apiKey: string; readonly httpOptions: { readonly baseUrl: string } }) => Pick<GoogleGenAI, 'models' | 'chats'>;

/** Works with both majors, which differ in the path they call. */
export function googleDriver(name: string, make: Make, { url, key }: Place): Driver {
  const { models, chats } = make({ apiKey: key, httpOptions: { baseUrl: url } });
  const config = { tools: [{ functionDeclarations: [{ name: weather.name, description: weather.description, parametersJsonSchema: weather.parameters }] }] };
  return {
    name,
    plain: async (model, contents) => outcomeOf([await models.generateContent({ model, contents, config: { thinkingConfig: { includeThoughts: true } } })]),
    stream: async (model, contents) => {
      const chunks: GenerateContentResponse[] = [];
      for await (const chunk of await models.generateContentStream({ model, contents, config: { thinkingConfig: { includeThoughts: true } } })) chunks.push(chunk);
      return { ...outcomeOf(chunks), pieces: chunks.filter((chunk) => textOf(chunk, false) !== '').length };
    },
    tools: async (model, prompt) => {
      const asked: Content = { role: 'user', parts: [{ text: prompt }] };
      const first = await models.generateContent({ model, contents: [asked], config });
      const said = first.candidates?.[0]?.content;
      if (said === undefined) throw new Error('no content');
      const calls = callsOf([first]);
      const second = await models.generateContent({ model, contents: [asked, said, { role: 'user', parts: resultsOf(calls) }], config });
      return { calls, finish: outcomeOf([first]).finish, text: outcomeOf([second]).text };
    },
    streamedTools: async (model, prompt) => {
      const chat = chats.create({ model, config });
      const say = async (message: Part[] | string): Promise<readonly GenerateContentResponse[]> => {
        const chunks: GenerateContentResponse[] = [];
        for await (const chunk of await chat.sendMessageStream({ message })) chunks.push(chunk);
        return chunks;
      };
      const first = await say(prompt);
      const calls = callsOf(first);
      return { calls, finish: outcomeOf(first).finish, text: outcomeOf(await say(resultsOf(calls))).text };
    },
    image: async (model, prompt, png) => outcomeOf([await models.generateContent({ model, contents: [{ role: 'user', parts: [{ text: prompt }, { inlineData: { mimeType: 'image/png', data: png } }] }] })]),
    structured: async (model, contents) => JSON.parse(outcomeOf([await models.generateContent({ model, contents, config: { responseMimeType: 'application/json', responseJsonSchema: citySchema } })]).text),
    abort: async (model, contents) => {
      const controller = new AbortController();
      const stream = await models.generateContentStream({ model, contents, config: { abortSignal: controller.signal } });
      await leaveAfterFirst(stream, () => controller.abort());
    },
  };
}

function callsOf(chunks: readonly GenerateContentResponse[]): ToolRun['calls'] {
  const parts = chunks.flatMap((chunk) => chunk.candidates?.[0]?.content?.parts ?? []);
  return parts.flatMap(({ functionCall: call }) => (call === undefined ? [] : [{ id: call.id ?? '', name: call.name ?? '', city: cityOf(call.args) }]));
}

function resultsOf(calls: ToolRun['calls']): Part[] {
  return calls.map(({ id, name, city }) => ({ functionResponse: { id, name, response: { output: resultFor(city) } } }));
}

function textOf(chunk: GenerateContentResponse, isThought: boolean): string {
  return (chunk.candidates?.[0]?.content?.parts ?? []).map((part) => ((part.thought === true) === isThought ? (part.text ?? '') : '')).join('');
}

function outcomeOf(chunks: readonly GenerateContentResponse[]): Outcome {
  const usage = chunks.findLast((chunk) => chunk.usageMetadata !== undefined)?.usageMetadata;
  return {
    text: chunks.map((chunk) => textOf(chunk, false)).join(''),
    reasoning: chunks.map((chunk) => textOf(chunk, true)).join(''),
    usage: usage === undefined ? undefined : { input: usage.promptTokenCount ?? 0, output: (usage.candidatesTokenCount ?? 0) + (usage.thoughtsTokenCount ?? 0) },
    finish: chunks.findLast((chunk) => chunk.candidates?.[0]?.finishReason !== undefined)?.candidates?.[0]?.finishReason ?? '',
  };
}
