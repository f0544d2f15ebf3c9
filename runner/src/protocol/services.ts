import { fileURLToPath } from 'node:url'
import { loadPackageDefinition, type ServiceClientConstructor, type ServiceDefinition } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

const files = ['runner.proto', 'resource-usage.proto', 'launcher.proto'].map((name) => fileURLToPath(new URL(`../../protocol/${name}`, import.meta.url)))

interface Services {
  readonly buildbarn: { readonly runner: { readonly Runner: ServiceClientConstructor } }
  readonly buildjail: { readonly runner: { readonly Launcher: ServiceClientConstructor } }
}

const { buildbarn, buildjail } = loadPackageDefinition(loadSync(files, { longs: Number, defaults: true, arrays: true, objects: true, oneofs: true, json: true })) as unknown as Services

/** What a worker calls. */
export const RunnerClient: ServiceClientConstructor = buildbarn.runner.Runner
export const LauncherClient: ServiceClientConstructor = buildjail.runner.Launcher

export const runnerService: ServiceDefinition = RunnerClient.service
export const launcherService: ServiceDefinition = LauncherClient.service
