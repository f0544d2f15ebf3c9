import { status, type handleUnaryCall, type ServerUnaryCall } from '@grpc/grpc-js'

import type { Actions } from '../action/actions.ts'
import type { CheckReadinessRequest, RunRequest, RunResponse } from '../protocol/messages.ts'
import { Refusal, refusalOf, statusOf } from '../refusal.ts'
import type { Readiness } from './readiness.ts'

/** The calls of a worker. A type, as grpc-js wants an index signature. */
export type RunnerHandlers = {
  readonly CheckReadiness: handleUnaryCall<CheckReadinessRequest, object>
  readonly Run: handleUnaryCall<RunRequest, RunResponse>
}

export function runnerHandlers(actions: Actions, readiness: Readiness): RunnerHandlers {
  return {
    CheckReadiness: answered(async (request) => {
      await readiness.check(request)
      return {}
    }),
    Run: answered((request, gone) => actions.run(request, gone)),
  }
}

function answered<Request, Response>(answer: (request: Request, gone: AbortSignal) => Promise<Response>): handleUnaryCall<Request, Response> {
  return async (call, callback) => {
    try {
      callback(null, await answer(call.request, whenGone(call)))
    } catch (error) {
      callback(statusOf(refusalOf(error)))
    }
  }
}

/** A worker cancels a call, lets its deadline pass, or dies. */
export function whenGone(call: Pick<ServerUnaryCall<unknown, unknown>, 'cancelled'> & { on(event: 'cancelled', listener: () => void): unknown }): AbortSignal {
  const controller = new AbortController()
  const abort = (): void => controller.abort(new Refusal(status.CANCELLED, 'the worker no longer waits for the answer'))
  if (call.cancelled) abort()
  else call.on('cancelled', abort)
  return controller.signal
}
