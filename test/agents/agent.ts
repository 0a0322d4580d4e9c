import type { Dialect } from '../../internal/dialect/dialect.ts';

/** How an agent speaks to its endpoint; `websocket` only where the agent can. */
export type Transport = 'http' | 'websocket';

/** Where one run happens: folders of its own, and the endpoint it is pointed at. */
export interface Place {
  /** The agent's HOME; holds nothing but what `prepare` writes. */
  readonly home: string;
  /** Its working folder, where the task's file is to appear. */
  readonly workspace: string;
  /** `http://127.0.0.1:PORT`, without a path. */
  readonly url: string;
  readonly key: string;
  readonly model: string;
  readonly transport: Transport;
  readonly prompt: string;
}

export interface Launch {
  readonly args: readonly string[];
  /** Added to HOME, PATH and little else. */
  readonly env: Readonly<Record<string, string>>;
}

/** One of the agent's own tools, and the arguments that make it do a step of the task. */
export interface ToolUse {
  readonly tool: string;
  readonly arguments: Readonly<Record<string, unknown>>;
}

/** A use whose result must hold `proof`: what the tool says when it really ran. */
export interface ProvenUse extends ToolUse {
  readonly proof: string;
}

/** A command-line agent as it is installed, started and set to work. */
export interface Agent {
  readonly name: string;
  /** npm's name of the package, and the exact version. */
  readonly package: string;
  readonly version: string;
  /** The program below `node_modules/.bin`. */
  readonly program: string;
  /** It needs its package's own install script. */
  readonly hasInstallScript: boolean;
  readonly dialect: Dialect;
  readonly transports: readonly Transport[];
  /** Models to ask for, each of a family that makes the agent send something else: other tools, other members. */
  readonly models: readonly string[];
  /** Writes the config files. */
  readonly prepare: (place: Place) => void;
  readonly launch: (place: Place) => Launch;
  /** Ways to write `text` into `path`, best first; the first whose tool is on offer is used. */
  readonly writing: (path: string, text: string) => readonly ToolUse[];
  /** Further uses, of the agent's odder kinds of tools where it has them; again the first that is on offer. */
  readonly further: readonly ProvenUse[];
  /** Where one of these is on offer, the agent wants one call at a time; else further uses and reading are asked for at once. */
  readonly oneByOne: readonly string[];
  readonly reading: (path: string) => readonly ToolUse[];
}
