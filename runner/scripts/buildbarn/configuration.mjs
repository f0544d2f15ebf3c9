// What Buildbarn's programs are told, in the words of bb-remote-execution 13313e6 and bb-storage bdd785e. They read Jsonnet, of which JSON is a part.
// All of them meet at Unix sockets: there is no port to be taken by somebody else meanwhile, and no network.
import path from 'node:path'

const MiB = 1024 ** 2
const maximumMessageSizeBytes = 2 * MiB

const anybody = { allow: {} }

export const actionPlatform = { OSFamily: 'linux' }
const platform = { properties: Object.entries(actionPlatform).map(([name, value]) => ({ name, value })) }

const client = (socket) => ({ address: `unix://${socket}` })
const server = (socket) => ({ listenPaths: [socket], authenticationPolicy: { allow: {} } })

/** In memory: it is gone with the process. */
function blobs(newBlocks) {
  const blocks = { oldBlocks: 2, currentBlocks: 4, newBlocks, blocksInMemory: { blockSizeBytes: 8 * MiB } }
  return { local: { keyLocationMapInMemory: { entries: 10_000 }, keyLocationMapMaximumGetAttempts: 16, keyLocationMapMaximumPutAttempts: 64, ...blocks } }
}

/** The one that the client talks to: it has the blobs, and hands actions on to the scheduler. */
export function storageConfiguration({ storage, scheduler }) {
  return {
    grpcServers: [server(storage)],
    maximumMessageSizeBytes,
    schedulers: { '': { endpoint: client(scheduler) } },
    executeAuthorizer: anybody,
    contentAddressableStorage: { backend: blobs(2), getAuthorizer: anybody, putAuthorizer: anybody, findMissingAuthorizer: anybody },
    actionCache: { backend: blobs(1), getAuthorizer: anybody, putAuthorizer: anybody },
  }
}

export function schedulerConfiguration({ storage, scheduler, workers }) {
  return {
    clientGrpcServers: [server(scheduler)],
    workerGrpcServers: [server(workers)],
    contentAddressableStorage: { grpc: { client: client(storage) } },
    maximumMessageSizeBytes,
    executeAuthorizer: anybody,
    synchronizeAuthorizer: anybody,
    modifyDrainsAuthorizer: { deny: {} },
    killOperationsAuthorizer: { deny: {} },
    actionRouter: {
      simple: {
        platformKeyExtractor: { action: {} },
        invocationKeyExtractors: [{ toolInvocationId: {} }],
        initialSizeClassAnalyzer: { defaultExecutionTimeout: '60s', maximumExecutionTimeout: '60s' },
      },
    },
    platformQueueWithNoWorkersTimeout: '60s',
    // Actions wait for the first worker then, where they would be refused else.
    predeclaredPlatformQueues: [{ platform, sizeClasses: [0] }],
  }
}

/** Where a worker puts the inputs of its actions. Each kind is another way of the runner to hand an input root over. */
const buildDirectories = {
  native: ({ buildDirectory, cache }) => ({
    native: {
      buildDirectoryPath: buildDirectory,
      cacheDirectoryPath: cache,
      maximumCacheFileCount: 1000,
      maximumCacheSizeBytes: 64 * MiB,
      cacheReplacementPolicy: 'LEAST_RECENTLY_USED',
    },
  }),
  virtual: ({ buildDirectory }) => ({
    virtual: {
      // Without fusermount, and for users of sessions too.
      mount: { mountPath: buildDirectory, fuse: { mountMethod: 'DIRECT', allowOther: true, directoryEntryValidity: '300s', inodeAttributeValidity: '300s' } },
      maximumExecutionTimeoutCompensation: '60s',
      maximumWritableFileUploadDelay: '10s',
    },
  }),
}

/** @param {{ kind: 'native' | 'virtual', name: string, buildDirectory: string, cache: string, runner: string, concurrency: number }} worker */
export function workerConfiguration({ storage, workers }, worker) {
  const { kind, name, cache, runner, concurrency } = worker
  const blobsThere = { grpc: { client: client(storage) } }
  const pool = { maximumFilePoolFileCount: 10_000, maximumFilePoolSizeBytes: 64 * MiB }
  return {
    // Else an action could not write to the folders of its outputs.
    global: { setUmask: { umask: 0 } },
    blobstore: { contentAddressableStorage: blobsThere, actionCache: blobsThere },
    browserUrl: 'http://localhost/',
    maximumMessageSizeBytes,
    scheduler: client(workers),
    inputDownloadConcurrency: 4,
    outputUploadConcurrency: 4,
    directoryCache: { maximumCount: 1000, maximumSizeBytes: MiB, cacheReplacementPolicy: 'LEAST_RECENTLY_USED' },
    // What is written to a virtual build directory.
    filePool: { blockDevice: { file: { path: path.join(cache, 'pool'), sizeBytes: 64 * MiB } } },
    buildDirectories: [{ ...buildDirectories[kind](worker), runners: [{ endpoint: client(runner), concurrency, platform, workerId: { worker: name }, ...pool }] }],
  }
}
