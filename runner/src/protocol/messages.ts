/** As protocol/*.proto has them, in the spelling of TypeScript. What a message does not have is the default of its kind. */
export interface CheckReadinessRequest {
  readonly path: string
}

export interface RunRequest {
  readonly arguments: readonly string[]
  readonly environmentVariables: Readonly<Record<string, string>>
  readonly workingDirectory: string
  readonly stdoutPath: string
  readonly stderrPath: string
  readonly inputRootDirectory: string
  readonly temporaryDirectory: string
  readonly serverLogsDirectory: string
}

export interface RunResponse {
  readonly exitCode: number
  readonly resourceUsage: readonly PosixResourceUsage[]
}

export const posixResourceUsage = 'type.googleapis.com/buildbarn.resourceusage.POSIXResourceUsage'

export interface PosixResourceUsage {
  readonly '@type': typeof posixResourceUsage
  readonly userTime: Duration
  readonly systemTime: Duration
  /** Bytes. */
  readonly maximumResidentSetSize: number
  readonly terminationSignal: string
}

export interface Duration {
  readonly seconds: number
  readonly nanos: number
}

export interface LaunchRequest {
  readonly what?: 'command' | 'stdin' | 'stdinIsOver' | 'signal'
  readonly command?: LaunchCommand
  readonly stdin?: Buffer
  readonly signal?: number
}

export interface LaunchCommand {
  readonly arguments: readonly Buffer[]
  readonly environment: readonly Buffer[]
  readonly workingDirectory: Buffer
  readonly hasStdin: boolean
}

export type LaunchResponse = { readonly stdout: Buffer } | { readonly stderr: Buffer } | { readonly end: LaunchEnd } | { readonly stdinTaken: number }

export interface LaunchEnd {
  readonly exitCode: number
  readonly signal: number
  readonly problem: string
}
