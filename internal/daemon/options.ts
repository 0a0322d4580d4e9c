// The caller declares the port: the command line knows what a process can hand over, the daemon takes exactly that.
export type { DaemonOptions, LogLevel, Output, RunDaemon, SignalSource } from '../cli/daemon-port.ts';
