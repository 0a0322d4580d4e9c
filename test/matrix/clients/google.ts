import type { Content, GenerateContentResponse, GoogleGenAI } from '@google/genai';
import { cityOf, citySchema, leaveAfterFirst, resultFor, weather, type Driver, type Outcome, type Place } from '../driver.ts';

type Make = (options: { readonly apiKey: string; readonly httpOptions: { readonly baseUrl: string } }) => Pick<GoogleGenAI, 'models'>;

/** Works with both majors, which differ in the path they call. */
export function googleDriver(name: string, make: Make, { url, key }: Place): Driver {
  const { models } = make({ apiKey: key, httpOptions: { baseUrl: url } });
  const config = { tools: [{ functionDeclarations: [{ name: weather.name, description: weather.description, parametersJsonSchema: weather.parameters }] }] };
  return {
    name,
    plain: async (model, contents) => outcomeOf([await models.generateContent({ model, contents, config: { thinkingConfig: { includeThoughts: true } } })]),
    stream: async (model, contents) => {
      const chunks: GenerateContentResponse[] = [];
      for await (const chunk of await models.generateContentStream({ model, contents, config: { thinkingConfig: { includeThoughts: true } } })) chunks.push(chunk);
      // The library does not know an end; the last finish reason is it.
      if (!chunks.some((chunk) => chunk.candidates?.[0]?.finishReason !== undefined)) throw new Error('the stream has no finish reason');
      return { ...outcomeOf(chunks), pieces: chunks.filter((chunk) => textOf(chunk, false) !== '').length };
    },
    tools: async (model, prompt) => {
      const asked: Content = { role: 'user', parts: [{ text: prompt }] };
      const first = await models.generateContent({ model, contents: [asked], config });
      const said = first.candidates?.[0]?.content;
      const calls = (said?.parts ?? []).flatMap(({ functionCall }) => (functionCall === undefined ? [] : [functionCall]));
      if (said === undefined) throw new Error('no content');
      const results: Content = { role: 'user', parts: calls.map((call) => ({ functionResponse: { ...(call.id === undefined ? {} : { id: call.id }), name: call.name ?? '', response: { output: resultFor(cityOf(call.args)) } } })) };
      const second = await models.generateContent({ model, contents: [asked, said, results], config });
      return { calls: calls.map((call) => ({ name: call.name ?? '', city: cityOf(call.args) })), text: outcomeOf([second]).text };
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
