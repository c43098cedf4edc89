"""The server of FUSE requests and trapped system calls."""
