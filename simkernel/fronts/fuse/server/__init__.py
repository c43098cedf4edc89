"""The simulated kernel's side: answers FUSE requests and system calls."""
