"""The mounted file system: answers FUSE requests from the kernel model."""
