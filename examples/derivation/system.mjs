const architectures = new Map([['x64', 'x86_64'], ['arm64', 'aarch64'], ['ia32', 'i686']])

/** What Nix and Guix call this machine. */
export const ownSystem = `${architectures.get(process.arch) ?? process.arch}-${process.platform}`
