import type { CliProcess } from '../process-env.ts';
export interface ConfigCheckFlags { readonly config?: string; readonly json: boolean }
export interface ConfigShowFlags { readonly config?: string; readonly json: boolean }
export function checkConfig(_cli: CliProcess, _flags: ConfigCheckFlags): number { return 1; }
export function showConfig(_cli: CliProcess, _flags: ConfigShowFlags): number { return 1; }
export function printSchema(_cli: CliProcess): number { return 1; }
