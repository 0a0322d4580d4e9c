import { answerJson, chatCompletion, startScriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

export function startUpstream(): Promise<ScriptedUpstream> {
  return startScriptedUpstream((_, res) => answerJson(res, 200, chatCompletion));
}

/** The page's keys and secret, and an endpoint that serves its model by chat. */
export function pageConfig(upstreamUrl: string): string {
  return `api-keys:
  - "your-api-key-1"
  - "your-api-key-2"
  - "your-api-key-3"
remote-management:
  secret-key: "your-secure-management-key"
  allow-remote: false
ws-auth: true
openai-compatibility:
  - name: "arranged"
    base-url: "${upstreamUrl}/v1"
    models: [{ name: "gemini-2.5-flash" }]
`;
}
