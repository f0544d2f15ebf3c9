import type { LimitName } from '../spec/fields/limits.ts'

/** A step of opening or closing a session, as in `Session.steps`. */
export interface StepEvent {
  /** The session's id. */
  readonly session: string
  readonly phase: 'open' | 'close'
  /** `nmount`, `jail_set`, ... */
  readonly step: string
  readonly path: string | undefined
  /** Nanoseconds. */
  readonly ns: number
}

/** A command begins. */
export interface CommandEvent {
  readonly session: string
  /** Its number, which its other events have as well. No other command of this thread has it. */
  readonly command: number
  readonly argv: readonly string[]
  readonly cwd: string
}

/** A command has written something that is collected or comes by a pipe. Output that goes to a file or is inherited is not read here. */
export interface StdioEvent {
  readonly session: string
  readonly command: number
  readonly stream: 'stdout' | 'stderr'
  /** Not a copy: a listener that changes it changes what other readers get. */
  readonly chunk: Buffer
}

/** A limit that is nearly reached. */
export interface LimitEvent {
  readonly session: string
  readonly limit: 'memory' | 'processes' | 'cpuTime' | 'wallTime'
  /** In the limit's unit, as is `most`. */
  readonly used: number
  readonly most: number
}

/** How a connection out of a network of names ended. */
export type ConnectionOutcome =
  /** Both sides, or the session, ended it, and the server has all that was sent. */
  | 'closed'
  /** One side broke it off, or the session ended before the server had all that was sent. */
  | 'reset'
  /** The server did not answer. */
  | 'timeout'
  /** The server refused it. */
  | 'refused'
  | 'unreachable'
  /** The host could not resolve the name. */
  | 'unresolved'
  /** The name resolved only to addresses of the host's own networks, and no entry allows these. */
  | 'private'
  /** It did not begin with TLS to that name; see `tlsNames`. */
  | 'tls-name'
  /** The host program could open no more sockets. */
  | 'limit'

/** A connection out of a network of names has ended. */
export interface ConnectionEvent {
  readonly session: string
  /** The name that the build asked for, in lower case and ASCII; for an entry that is an address, the address; `host` for the host's loopback. */
  readonly name: string
  readonly port: number
  /** The address outside that was connected to. Undefined without one. With the outcome `private`, the address that the name leads to. */
  readonly address: string | undefined
  /** Bytes from the build; `received` counts those to the build. */
  readonly sent: number
  readonly received: number
  readonly durationMs: number
  readonly outcome: ConnectionOutcome
}

/** A build asked a network of names for something that no entry allows. */
export interface RefusedEvent {
  readonly session: string
  /** In lower case and ASCII. Empty for all names after the first 1,000. */
  readonly name: string
  /** 0 if a name was asked for. */
  readonly port: number
  /** `name`: no entry has that name. `limit`: there were too many names of a wildcard. */
  readonly outcome: 'name' | 'limit'
  /** How often since the last such event. */
  readonly count: number
}

/** A command is over. */
export interface EndEvent {
  readonly session: string
  readonly command: number
  /** Undefined if a signal ended it, or it could not be started. */
  readonly exitCode: number | undefined
  /** By name. */
  readonly signal: string | undefined
  /** The limit that ended it. */
  readonly limit: LimitName | undefined
  /** Milliseconds since its event `command`. */
  readonly durationMs: number
  /** It was ended by its `timeout`. */
  readonly timedOut: boolean
  /** It was ended because its `signal` was aborted. */
  readonly isCanceled: boolean
  /** The resources that it used. Undefined if it could not be started. */
  readonly usage: Usage | undefined
  /** Why it could not be started. */
  readonly error: unknown
}

/** A session was closed, as far as that could be done. */
export interface CloseEvent {
  readonly session: string
  /** A TeardownError if something is left. The next `close` has an event of its own. */
  readonly error: unknown
}

/**
 * The events of a session. For every session of the program, the same objects are published on the channels `buildjail:step`, `buildjail:command`, ... of
 * Node's diagnostics_channel.
 */
export interface SessionEvents {
  /**
   * A session emits only the steps of closing: its opening is over before the caller has it. The channel and `Session.steps` have both. The steps of a phase
   * come when the phase is over.
   */
  step: [event: StepEvent]
  command: [event: CommandEvent]
  /** A listener makes the bytes pass through Node. */
  stdio: [event: StdioEvent]
  /**
   * 90 % of `memory`, `processes`, `cpuTime` or `wallTime` are used; once for each. buildjail looks every 100 ms while there is a listener, and reports only
   * what the system accounts (`Session.usage`).
   */
  limit: [event: LimitEvent]
  /** In a network of names (`network: { allow }`), when a connection has ended. */
  connection: [event: ConnectionEvent]
  /** In a network of names: the first refusal at once, later ones counted together. */
  refused: [event: RefusedEvent]
  /** After `command`, also for a command that could not be started, and before the result. */
  end: [event: EndEvent]
  close: [event: CloseEvent]
}

export type SessionEventName = keyof SessionEvents

const named: Readonly<Record<SessionEventName, true>> = { step: true, command: true, stdio: true, limit: true, connection: true, refused: true, end: true, close: true }
/** All of them. */
export const sessionEventNames = Object.keys(named) as readonly SessionEventName[]

/** Resources that a command used, with the children that it waited for (wait4(2), getrusage(2)). */
export interface Usage {
  readonly userUs: number
  readonly systemUs: number
  /**
   * As getrusage(2) counts it. Until execve(2) the child shares the memory of the process that launches it, and is charged for it. So this can be the size of
   * that process if the command is smaller.
   */
  readonly maxRssBytes: number
}
