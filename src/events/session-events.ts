import type { LimitName } from '../spec/fields/limits.ts'

/** Of the opening or the closing of a session: a step that was taken, as `Session.steps` has it. */
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

/** A command has written something, as far as that is collected or comes by a pipe: what goes to a file or is inherited is not read here. */
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
  /** In the limit's unit. */
  readonly used: number
  readonly most: number
}

/** How a connection out of a network of names ended. */
export type ConnectionOutcome =
  /** Both sides had ended it, or the session did, and the server has all that was sent. */
  | 'closed'
  /** One side broke it off, or the session ended before the server had taken all that was sent. */
  | 'reset'
  /** The server did not answer. */
  | 'timeout'
  /** By the server. */
  | 'refused'
  | 'unreachable'
  /** The host could not resolve the name. */
  | 'unresolved'
  /** The name resolved to addresses of the host's own networks only, and these are no entries. */
  | 'private'
  /** It did not begin with TLS to that name; see `tlsNames`. */
  | 'tls-name'
  /** The host program could open no more sockets. */
  | 'limit'

/** A connection out of a network of names is over. */
export interface ConnectionEvent {
  readonly session: string
  /** As the build asked for it, in lower case and ASCII; of an entry that is an address, the address; `host` of the host's loopback. */
  readonly name: string
  readonly port: number
  /** The address outside. Undefined if none was connected to; of a connection that ended with `private`, the one that its name leads to. */
  readonly address: string | undefined
  /** Bytes from the build outward, and to the build. */
  readonly sent: number
  readonly received: number
  readonly durationMs: number
  readonly outcome: ConnectionOutcome
}

/** A build asked a network of names for something that it does not have. */
export interface RefusedEvent {
  readonly session: string
  /** In lower case and ASCII. Empty of all names after the first 1,000. */
  readonly name: string
  /** 0 if a name was asked for. */
  readonly port: number
  /** `name`: no entry has that name. `limit`: there were too many names of a wildcard. */
  readonly outcome: 'name' | 'limit'
  /** How often since this was last told. */
  readonly count: number
}

/** A command is over. */
export interface EndEvent {
  readonly session: string
  readonly command: number
  /** Undefined when a signal ended it, and where it could not be started. */
  readonly exitCode: number | undefined
  /** By name. */
  readonly signal: string | undefined
  /** That ended it. */
  readonly limit: LimitName | undefined
  /** Milliseconds since its `command`. */
  readonly durationMs: number
  /** It was ended because its `timeout` was over. */
  readonly timedOut: boolean
  /** It was ended because its `signal` was aborted. */
  readonly isCanceled: boolean
  /** The resources that it used. Undefined if it could not be started. */
  readonly usage: Usage | undefined
  /** Why it could not be started. */
  readonly error: unknown
}

/** A session was taken away, or what could be of it. */
export interface CloseEvent {
  readonly session: string
  /** A TeardownError where something is left. Another `close` has another event. */
  readonly error: unknown
}

/**
 * The events of a session. The same objects are published on the channels `buildjail:step`, `buildjail:command`, ... of Node's
 * diagnostics_channel, of every session of the program.
 */
export interface SessionEvents {
  /**
   * On a session only those of its closing: its opening is over before the caller has it. The channel and `Session.steps` have both. The
   * steps of a phase come when the phase is over.
   */
  step: [event: StepEvent]
  command: [event: CommandEvent]
  /** A listener makes the bytes pass through Node. */
  stdio: [event: StdioEvent]
  /**
   * 90 % of `memory`, `processes`, `cpuTime` or `wallTime` are used; once for each. buildjail looks every 100 ms while there is a listener, and
   * reports only what the system accounts (`Session.usage`).
   */
  limit: [event: LimitEvent]
  /** Of a network of names (`network: { allow }`), once the connection is over. */
  connection: [event: ConnectionEvent]
  /** Of a network of names: the first time at once, then counted. */
  refused: [event: RefusedEvent]
  /** After `command`, also where it could not be started; before its result is there. */
  end: [event: EndEvent]
  close: [event: CloseEvent]
}

export type SessionEventName = keyof SessionEvents

const named: Readonly<Record<SessionEventName, true>> = { step: true, command: true, stdio: true, limit: true, connection: true, refused: true, end: true, close: true }
/** All of them. */
export const sessionEventNames = Object.keys(named) as readonly SessionEventName[]

/** Resources a command used, its waited-for children included (wait4(2), getrusage(2)). */
export interface Usage {
  readonly userUs: number
  readonly systemUs: number
  /**
   * As getrusage(2) counts it. Up to execve(2) the child shares the memory of the process that launches it, and is charged
   * for it, so that this can be the size of that process where the command itself is smaller.
   */
  readonly maxRssBytes: number
}
