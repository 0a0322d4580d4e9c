import type { Agent } from './agent.ts';
import { claudeCode } from './claude-code.ts';
import { codex } from './codex.ts';
import { continueCli } from './continue-cli.ts';
import { geminiCli } from './gemini-cli.ts';
import { opencode } from './opencode.ts';
import { qwenCode } from './qwen-code.ts';

export const agents: readonly Agent[] = [codex, claudeCode, geminiCli, opencode, qwenCode, continueCli];
